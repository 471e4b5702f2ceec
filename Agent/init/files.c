#include "files.h"

#include <linux/stat.h>
#include <stdbool.h>

#include "sys.h"
#include "vfs.h"

struct files_copy {
  int to;
  int error;
  struct text *failed;
};

static long files_copy_bytes(int source, int target) {
  static uint8_t bytes[65536];
  long got;
  while ((got = sys_read(source, bytes, sizeof bytes)) > 0) {
    for (long done = 0; done < got;) {
      long put = sys_write(target, bytes + done, (size_t)(got - done));
      if (put <= 0) {
        return put < 0 ? put : -EIO;
      }
      done += put;
    }
  }
  return got;
}

static long files_copy_file(int from, int to, const char *name, const struct statx *facts) {
  long source = sys_openat(from, name, O_RDONLY | O_CLOEXEC, 0);
  if (source < 0) {
    return source;
  }
  sys_call3(SYS_unlinkat, to, name, 0); /* never write through an existing symbolic link */
  long target = sys_openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  long result = target < 0 ? target : files_copy_bytes((int)source, (int)target);
  if (target >= 0) {
    sys_call3(SYS_fchown, target, facts->stx_uid, facts->stx_gid);
    sys_call2(SYS_fchmod, target, facts->stx_mode & 07777);
    sys_close((int)target);
  }
  sys_close((int)source);
  return result;
}

static long files_copy_link(int from, int to, const char *name) {
  char target[4096];
  long length = sys_call4(SYS_readlinkat, from, name, target, sizeof target - 1);
  if (length < 0) {
    return length;
  }
  target[length] = 0;
  sys_call3(SYS_unlinkat, to, name, 0);
  return sys_call3(SYS_symlinkat, target, to, name);
}

/* Follows an existing symbolic link to a directory (/lib -> usr/lib), because the root wants the files there.
 */
static long files_copy_directory(int from, int to, const char *name, const struct statx *facts,
                                 struct text *failed) {
  long made = sys_call3(SYS_mkdirat, to, name, facts->stx_mode & 07777);
  if (made != 0 && made != -EEXIST) {
    return made;
  }
  long source = sys_openat(from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  long target = sys_openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  long result = source < 0 ? source : target;
  if (result >= 0) {
    if (made == 0) {
      sys_call3(SYS_fchown, target, facts->stx_uid, facts->stx_gid);
      sys_call2(SYS_fchmod, target, facts->stx_mode & 07777);
    }
    result = -files_copy((int)source, (int)target, failed);
  }
  sys_close((int)source);
  sys_close((int)target);
  return result;
}

static bool files_visit(int directory, const char *name, void *context) {
  struct files_copy *copy = context;
  struct statx facts;
  long result = sys_call5(SYS_statx, directory, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &facts);
  if (result == 0) {
    switch (facts.stx_mode & S_IFMT) {
    case S_IFDIR: result = files_copy_directory(directory, copy->to, name, &facts, copy->failed); break;
    case S_IFLNK: result = files_copy_link(directory, copy->to, name); break;
    case S_IFREG: result = files_copy_file(directory, copy->to, name, &facts); break;
    default: result = -EOPNOTSUPP;
    }
  }
  if (result < 0) {
    copy->error = (int)-result;
    if (copy->failed->length == 0) {
      text_add(copy->failed, " (");
      text_add(copy->failed, name);
      text_add(copy->failed, ")");
    }
  }
  return result < 0;
}

int files_copy(int from, int to, struct text *failed) {
  struct files_copy copy = {to, 0, failed};
  vfs_each(from, ".", files_visit, &copy);
  return copy.error;
}
