#include "holder.h"

#include "sys.h"
#include "text.h"
#include "vfs.h"

enum { MAX_PIPES = 2, LINK_SIZE = 64 };

struct search {
  char links[MAX_PIPES][LINK_SIZE]; /* "pipe:[INODE]" */
  int own;
};

static bool is_number(const char *text) {
  while (*text >= '0' && *text <= '9') {
    text++;
  }
  return *text == 0;
}

static long read_link(int directory, const char *path, char link[LINK_SIZE]) {
  long length = sys_call4(SYS_readlinkat, directory, path, link, LINK_SIZE - 1);
  link[length > 0 ? length : 0] = 0;
  return length;
}

static bool visit_descriptor(int directory, const char *name, void *context) {
  const struct search *search = context;
  char link[LINK_SIZE];
  if (read_link(directory, name, link) <= 0) {
    return false;
  }
  for (int i = 0; i < MAX_PIPES; i++) {
    if (search->links[i][0] != 0 && strcmp(link, search->links[i]) == 0) {
      return true;
    }
  }
  return false;
}

struct process_search {
  struct search *search;
  struct holder *holder;
};

static bool visit_process(int directory, const char *name, void *context) {
  struct process_search *processes = context;
  if (!is_number(name)) {
    return false;
  }
  int pid = 0;
  for (const char *digit = name; *digit != 0; digit++) {
    pid = pid * 10 + (*digit - '0');
  }
  struct text path = {.length = 0};
  text_add(&path, name);
  text_add(&path, "/fd");
  if (pid == processes->search->own || !vfs_each(directory, path.data, visit_descriptor, processes->search)) {
    return false;
  }
  processes->holder->pid = pid;
  path.length -= 2;
  text_add(&path, "comm");
  long length = vfs_read(directory, path.data, processes->holder->name, sizeof processes->holder->name);
  if (length > 0 && processes->holder->name[length - 1] == '\n') {
    processes->holder->name[length - 1] = 0;
  }
  return true;
}

void holder_find(const struct guest *guest, const int *pipes, int count, struct holder *holder) {
  struct search search = {.own = (int)sys_getpid()};
  *holder = (struct holder){0};
  if (guest->proc < 0) {
    return;
  }
  for (int i = 0; i < count && i < MAX_PIPES; i++) {
    struct text path = {.length = 0};
    text_add(&path, "self/fd/");
    text_add_number(&path, pipes[i]);
    if (pipes[i] >= 0) {
      read_link(guest->proc, path.data, search.links[i]);
    }
  }
  struct process_search processes = {&search, holder};
  vfs_each(guest->proc, ".", visit_process, &processes);
}
