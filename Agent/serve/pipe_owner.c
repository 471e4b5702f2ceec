#include "pipe_owner.h"

#include "sys.h"
#include "text.h"
#include "vfs.h"

enum { MAX_PIPES = 2, LINK_SIZE = 64 };

struct pipe_search {
  char links[MAX_PIPES][LINK_SIZE]; /* "pipe:[INODE]" */
  int own;
};

static bool pipe_owner_is_pid(const char *text) {
  while (*text >= '0' && *text <= '9') {
    text++;
  }
  return *text == 0;
}

static long pipe_owner_read_link(int directory, const char *path, char link[LINK_SIZE]) {
  long length = sys_call4(SYS_readlinkat, directory, path, link, LINK_SIZE - 1);
  link[length > 0 ? length : 0] = 0;
  return length;
}

static bool pipe_owner_visit_descriptor(int directory, const char *name, void *context) {
  const struct pipe_search *search = context;
  char link[LINK_SIZE];
  if (pipe_owner_read_link(directory, name, link) <= 0) {
    return false;
  }
  for (int i = 0; i < MAX_PIPES; i++) {
    if (search->links[i][0] != 0 && strcmp(link, search->links[i]) == 0) {
      return true;
    }
  }
  return false;
}

struct pipe_owner_search {
  struct pipe_search *search;
  struct pipe_owner *owner;
};

static bool pipe_owner_visit_process(int directory, const char *name, void *context) {
  struct pipe_owner_search *processes = context;
  if (!pipe_owner_is_pid(name)) {
    return false;
  }
  int pid = 0;
  for (const char *digit = name; *digit != 0; digit++) {
    pid = pid * 10 + (*digit - '0');
  }
  struct text path = {.length = 0};
  text_add(&path, name);
  text_add(&path, "/fd");
  if (pid == processes->search->own ||
      !vfs_each(directory, path.data, pipe_owner_visit_descriptor, processes->search)) {
    return false;
  }
  processes->owner->pid = pid;
  path.length -= 2;
  text_add(&path, "comm");
  long length = vfs_read(directory, path.data, processes->owner->name, sizeof processes->owner->name);
  if (length > 0 && processes->owner->name[length - 1] == '\n') {
    processes->owner->name[length - 1] = 0;
  }
  return true;
}

void pipe_owner_find(const struct environment *environment, const int *pipes, int count,
                     struct pipe_owner *owner) {
  struct pipe_search search = {.own = (int)sys_getpid()};
  *owner = (struct pipe_owner){0};
  if (environment->proc < 0) {
    return;
  }
  for (int i = 0; i < count && i < MAX_PIPES; i++) {
    struct text path = {.length = 0};
    text_add(&path, "self/fd/");
    text_add_number(&path, pipes[i]);
    if (pipes[i] >= 0) {
      pipe_owner_read_link(environment->proc, path.data, search.links[i]);
    }
  }
  struct pipe_owner_search processes = {&search, owner};
  vfs_each(environment->proc, ".", pipe_owner_visit_process, &processes);
}
