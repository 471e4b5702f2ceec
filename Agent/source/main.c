/*
 * provium-agent. In a guest, started by provium-wrapper:   provium-agent [--private-fd N]
 * In a test, on a host, over inherited descriptors:
 *   provium-agent --main-fd N --control-fd N --link stream|serial [--log-fd N]
 *   provium-agent --listen PREFIX --secret HEX    Unix sockets PREFIX.PORT in place of vsock ports
 */
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "agent.h"
#include "control.h"
#include "descriptor.h"
#include "interrupt.h"
#include "sys.h"

struct options {
  int private, main, control, log;
  bool link;
  const char *listen_prefix, *secret;
};

static NO_RETURN void usage(void) {
  static const char text[] =
      "usage: provium-agent [--private-fd N]\n"
      "       provium-agent --main-fd N --control-fd N --link stream|serial [--log-fd N]\n"
      "       provium-agent --listen PREFIX --secret HEX\n";
  sys_write(2, text, sizeof text - 1);
  sys_exit(2);
}

static int parse_fd(const char *text) {
  char *end;
  long number = strtol(text, &end, 10);
  if (*text == 0 || *end != 0 || number < 0 || number > 1 << 20) {
    usage();
  }
  return (int)number;
}

static struct options parse_options(char **arguments) {
  struct options options = {-1, -1, -1, -1, false, NULL, NULL};
  for (; *arguments != NULL; arguments += 2) {
    const char *name = arguments[0], *value = arguments[1];
    if (value == NULL) {
      usage();
    }
    if (strcmp(name, "--private-fd") == 0) {
      options.private = parse_fd(value);
    } else if (strcmp(name, "--main-fd") == 0) {
      options.main = parse_fd(value);
    } else if (strcmp(name, "--control-fd") == 0) {
      options.control = parse_fd(value);
    } else if (strcmp(name, "--log-fd") == 0) {
      options.log = parse_fd(value);
    } else if (strcmp(name, "--listen") == 0) {
      options.listen_prefix = value;
    } else if (strcmp(name, "--secret") == 0) {
      options.secret = value;
    } else if (strcmp(name, "--link") == 0 &&
               (strcmp(value, "stream") == 0 || strcmp(value, "serial") == 0)) {
      options.link = value[1] == 'e';
    } else {
      usage();
    }
  }
  return options;
}

static void parse_secret(const char *text, uint8_t secret[PV_SECRET_SIZE]) {
  if (text == NULL || strlen(text) != 2 * PV_SECRET_SIZE ||
      strspn(text, "0123456789abcdef") != 2 * PV_SECRET_SIZE) {
    usage();
  }
  for (uint32_t i = 0; i < PV_SECRET_SIZE; i++) {
    char digits[3] = {text[2 * i], text[2 * i + 1], 0};
    secret[i] = (uint8_t)strtol(digits, NULL, 16);
  }
}

/* A guest's agent gets the sixteen random bytes that the kernel gives every program: no pool needs to be
 * ready. */
static int shared_open(struct shared **shared) {
  void *memory = sys_map(sizeof **shared, MAP_SHARED);
  if (sys_pointer_errno(memory) != 0) {
    return sys_pointer_errno(memory);
  }
  *shared = memory;
  const void *random = (const void *)getauxval(AT_RANDOM);
  if (random != NULL) {
    memcpy((*shared)->boot_nonce, random, PV_NONCE_SIZE);
  }
  (*shared)->slots[0].state = SLOT_ALIVE;
  return 0;
}

static NO_RETURN void run_main(struct guest *guest, const struct options *options) {
  static struct agent agent;
  if (agent_init(&agent, guest, 0) != 0) {
    sys_exit(1);
  }
  if (options->main >= 0) {
    agent.endpoint.given = options->main;
    agent.endpoint.given_link = options->link;
  } else {
    endpoint_open_main(&agent.endpoint, guest);
  }
  agent_serve(&agent);
  sys_exit(0);
}

static void run_control(struct guest *guest, const struct options *options, int internal) {
  static struct control control;
  if (control_init(&control, guest, internal) != 0) {
    sys_exit(1);
  }
  host_open(&control, options->control, options->link);
  control_run(&control);
}

int main(int count, char **arguments) {
  static struct guest guest;
  struct options options = parse_options(arguments + (count > 0));
  guest.is_test = options.main >= 0 || options.listen_prefix != NULL;
  guest.listen_prefix = options.listen_prefix;
  if (guest.is_test && options.main < 0 && options.listen_prefix == NULL) {
    usage();
  }
  if (options.listen_prefix != NULL) {
    parse_secret(options.secret, guest.secret);
    guest.has_secret = true;
  }
  if (options.log >= 0) {
    sys_dup3(options.log, 2, 0);
    sys_close(options.log);
  }
  int ends[2];
  sys_call0(SYS_setsid);
  interrupt_install();
  if (shared_open(&guest.shared) != 0 || sys_socketpair(SOCK_SEQPACKET | SOCK_CLOEXEC, ends) < 0) {
    return 1;
  }
  setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0);
  guest_open(&guest, options.private >= 0 || guest.is_test
                         ? options.private
                         : (int)sys_open("/.provium", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
  guest_set_oom_score(&guest, "-1000");
  options.main = descriptor_hide(options.main);
  options.control = descriptor_hide(options.control);
  int internal = descriptor_hide(ends[0]);
  guest.control = descriptor_hide(ends[1]);
  long pid = sys_clone_copy(SIGCHLD | CLONE_PARENT_SETTID, (int *)&guest.shared->slots[0].pid);
  if (pid < 0) {
    return 1;
  }
  if (pid == 0) {
    descriptor_close(internal);
    descriptor_close(options.control);
    run_main(&guest, &options);
  }
  descriptor_close(guest.control);
  descriptor_close(options.main);
  run_control(&guest, &options, internal);
  return 0;
}
