#include <signal.h>

#include "harness.h"

int checks_failed;

int main(int count, char **arguments) {
  static const struct {
    const char *name;
    void (*run)(void);
  } tests[] = {{"frames", test_frames},      {"calls", test_calls},     {"exec", test_exec},
               {"jobs", test_jobs},          {"process", test_process}, {"files", test_files},
               {"workers", test_workers},    {"link", test_link},       {"control", test_control},
               {"listen", test_listen},      {"memory", test_memory},   {"log", test_log},
               {"interface", test_interface}};
  int passed = 0, failed = 0;
  if (getenv("PROVIUM_AGENT") == NULL) {
    fprintf(stderr, "PROVIUM_AGENT names the agent to be tested\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
    if (count > 1 && strcmp(arguments[1], tests[i].name) != 0) {
      continue;
    }
    int before = checks_failed;
    long start = now_ms();
    tests[i].run();
    bool good = checks_failed == before;
    printf("%s %s (%ld ms)\n", good ? "ok  " : "FAIL", tests[i].name, now_ms() - start);
    fflush(stdout);
    passed += good;
    failed += !good;
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
