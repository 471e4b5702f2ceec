/*
 * provium-agent. In a guest, started by the init wrapper:
 *   provium-agent [--private-fd N]
 * In a test, on a host, over inherited descriptors:
 *   provium-agent --main-fd N --control-fd N --link stream|serial [--log-fd N] [--kmsg-fd N]
 *   provium-agent --listen PREFIX --secret HEX    Unix sockets PREFIX.PORT in place of vsock ports
 */
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "control_loop.h"
#include "descriptor.h"
#include "serve.h"
#include "signals.h"
#include "sys.h"

struct options {
  int private, main, control, log, kmsg;
  bool link;
  const char *listen_prefix, *secret;
};

static NO_RETURN void options_fail(void) {
  static const char text[] =
      "usage: provium-agent [--private-fd N]\n"
      "       provium-agent --main-fd N --control-fd N --link stream|serial [--log-fd N] [--kmsg-fd N]\n"
      "       provium-agent --listen PREFIX --secret HEX\n";
  sys_write(2, text, sizeof text - 1);
  sys_exit(2);
}

static int options_parse_fd(const char *text) {
  char *end;
  long number = strtol(text, &end, 10);
  if (*text == 0 || *end != 0 || number < 0 || number > 1 << 20) {
    options_fail();
  }
  return (int)number;
}

static bool options_parse_link(const char *text) {
  bool is_serial = strcmp(text, "serial") == 0;
  if (!is_serial && strcmp(text, "stream") != 0) {
    options_fail();
  }
  return is_serial;
}

static struct options options_parse(char **arguments) {
  struct options options = {-1, -1, -1, -1, -1, false, NULL, NULL};
  for (; *arguments != NULL; arguments += 2) {
    const char *name = arguments[0], *value = arguments[1];
    if (value == NULL) {
      options_fail();
    }
    if (strcmp(name, "--private-fd") == 0) {
      options.private = options_parse_fd(value);
    } else if (strcmp(name, "--main-fd") == 0) {
      options.main = options_parse_fd(value);
    } else if (strcmp(name, "--control-fd") == 0) {
      options.control = options_parse_fd(value);
    } else if (strcmp(name, "--kmsg-fd") == 0) {
      options.kmsg = options_parse_fd(value);
    } else if (strcmp(name, "--log-fd") == 0) {
      options.log = options_parse_fd(value);
    } else if (strcmp(name, "--listen") == 0) {
      options.listen_prefix = value;
    } else if (strcmp(name, "--secret") == 0) {
      options.secret = value;
    } else if (strcmp(name, "--link") == 0) {
      options.link = options_parse_link(value);
    } else {
      options_fail();
    }
  }
  return options;
}

static void options_parse_secret(const char *text, uint8_t secret[PV_SECRET_SIZE]) {
  if (text == NULL || strlen(text) != 2 * PV_SECRET_SIZE ||
      strspn(text, "0123456789abcdef") != 2 * PV_SECRET_SIZE) {
    options_fail();
  }
  for (uint32_t i = 0; i < PV_SECRET_SIZE; i++) {
    char digits[3] = {text[2 * i], text[2 * i + 1], 0};
    secret[i] = (uint8_t)strtol(digits, NULL, 16);
  }
}

/*
 * The boot nonce is the sixteen random bytes that the kernel gives every program. They need no filled random
 * pool, which an early guest does not have.
 */
static int main_map_table(struct process_table **table) {
  void *memory = sys_map(sizeof **table, MAP_SHARED);
  if (sys_pointer_errno(memory) != 0) {
    return sys_pointer_errno(memory);
  }
  *table = memory;
  const void *random = (const void *)getauxval(AT_RANDOM);
  if (random != NULL) {
    memcpy((*table)->boot_nonce, random, PV_NONCE_SIZE);
  }
  (*table)->slots[0].state = SLOT_ALIVE;
  return 0;
}

static NO_RETURN void main_serve(struct environment *environment, const struct options *options) {
  static struct session session;
  if (session_init(&session, environment, 0) != 0) {
    sys_exit(1);
  }
  session.serve = serve_connections;
  if (options->main >= 0) {
    session.endpoint.given = options->main;
    session.endpoint.given_link = options->link;
  } else {
    endpoint_open_main(&session.endpoint, environment);
  }
  serve_connections(&session);
  sys_exit(0);
}

/* Applies the options that concern the environment. */
static void main_configure(struct environment *environment, const struct options *options) {
  environment->is_test = options->main >= 0 || options->listen_prefix != NULL;
  environment->listen_prefix = options->listen_prefix;
  environment->kmsg = descriptor_hide(options->kmsg);
  if (options->listen_prefix != NULL) {
    options_parse_secret(options->secret, environment->secret);
    environment->has_secret = true;
  }
  if (options->log >= 0) {
    sys_dup3(options->log, 2, 0);
    sys_close(options->log);
  }
}

static int main_private_directory(const struct environment *environment, const struct options *options) {
  if (options->private >= 0 || environment->is_test) {
    return options->private;
  }
  return (int)sys_open("/.provium", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

/* Splits in two processes: the control process, and its child, the main agent. */
int main(int count, char **arguments) {
  static struct environment environment;
  struct options options = options_parse(arguments + (count > 0));
  main_configure(&environment, &options);
  int ends[2];
  if (!environment.is_test) {
    sys_call1(SYS_chdir, "/"); /* the init wrapper starts it in its private directory */
  }
  sys_call0(SYS_setsid);
  signals_install();
  if (main_map_table(&environment.table) != 0 || sys_socketpair(SOCK_SEQPACKET | SOCK_CLOEXEC, ends) < 0) {
    return 1;
  }
  setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0);
  environment_open(&environment, main_private_directory(&environment, &options));
  environment_set_oom_score(&environment, "-1000");
  options.main = descriptor_hide(options.main);
  options.control = descriptor_hide(options.control);
  int handoff = descriptor_hide(ends[0]);
  environment.control = descriptor_hide(ends[1]);
  long pid = sys_clone_copy(SIGCHLD | CLONE_PARENT_SETTID, (int *)&environment.table->slots[0].pid);
  if (pid < 0) {
    return 1;
  }
  if (pid == 0) {
    descriptor_close(handoff);
    descriptor_close(options.control);
    main_serve(&environment, &options);
  }
  descriptor_close(environment.control);
  descriptor_close(options.main);
  control_run(&environment, handoff, options.control, options.link);
  return 0;
}
