/* Files of any size: WRITE_FILE, WRITE_PIECE, READ_FILE, READ_STREAM, STAT and LIST. */
#include <linux/stat.h>

#include "agent.h"
#include "descriptor.h"
#include "sys.h"

/* A file operation that a signal ends goes on, unless the host wants it to end. */
static bool may_retry(const struct agent *agent, long result) {
  return result == -EINTR && !agent_interrupted(agent, INTERRUPT_CALL | INTERRUPT_HOST_LOST);
}

static long open_retrying(const struct agent *agent, const char *path, int flags, unsigned mode) {
  long fd;
  do {
    fd = sys_open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
  } while (may_retry(agent, fd));
  return fd;
}

static long read_retrying(const struct agent *agent, int fd, void *room, size_t size) {
  long got;
  do {
    got = sys_read(fd, room, size);
  } while (may_retry(agent, got));
  return got;
}

/* Path in the arena, or NULL after an answer. */
static char *take_path(struct agent *agent, struct span payload, struct span *path) {
  size_t used = 0;
  if (decode_path(payload, path) != 0) {
    reply_error(&agent->connection, EINVAL, "malformed path");
    return NULL;
  }
  char *copy = agent_copy_string(agent, *path, &used);
  if (copy == NULL) {
    reply_error(&agent->connection, ENOMEM, "no memory for the path");
  }
  return copy;
}

/* ---- write ---------------------------------------------------------------------------------- */

static bool open_for_writing(struct agent *agent, const struct write_request *request) {
  size_t used = 0;
  descriptor_close(agent->file);
  agent->file = -1;
  char *path = agent_copy_string(agent, request->path, &used);
  unsigned mode = (request->flags & PV_WRITE_MODE) != 0 ? request->mode & 07777 : 0666;
  long fd = path != NULL ? open_retrying(agent, path, O_WRONLY | O_CREAT | O_TRUNC, mode) : -ENOMEM;
  if (fd < 0) {
    reply_error_path(&agent->connection, (int)-fd, "open", request->path);
    return false;
  }
  agent->file = descriptor_hide((int)fd);
  long result = (request->flags & PV_WRITE_MODE) != 0 ? sys_call2(SYS_fchmod, agent->file, mode) : 0;
  if (result < 0) {
    reply_error_path(&agent->connection, (int)-result, "set the mode of", request->path);
    return false;
  }
  return true;
}

/*
 * One write(2) where the kernel takes it whole: files of /proc/sys mean each write. What has no offsets (a
 * FIFO, a terminal) is written in order.
 */
static long write_data(struct agent *agent, uint64_t offset, struct span data) {
  size_t done = 0;
  if (offset == 0 && data.length == 0) {
    return 0;
  }
  bool in_order = sys_lseek(agent->file, 0, SEEK_CUR) < 0;
  while (done < data.length) {
    const uint8_t *bytes = data.data + done;
    size_t left = data.length - done;
    long put =
        in_order ? sys_write(agent->file, bytes, left) : sys_pwrite(agent->file, bytes, left, offset + done);
    if (put == -ESPIPE && !in_order) {
      in_order = true;
    } else if (put < 0 && !may_retry(agent, put)) {
      return put;
    } else if (put == 0) {
      return -EIO;
    } else {
      done += put > 0 ? (size_t)put : 0;
    }
  }
  return (long)done;
}

static void close_file(struct agent *agent) {
  descriptor_close(agent->file);
  agent->file = -1;
}

void handle_write(struct agent *agent, struct message message) {
  struct connection *connection = &agent->connection;
  struct write_request request;
  if (decode_write(message.type, message.payload, &request) != 0) {
    reply_error(connection, EINVAL, "malformed write request");
    return;
  }
  if ((request.flags & PV_WRITE_CREATE) != 0 && !open_for_writing(agent, &request)) {
    close_file(agent);
    return;
  }
  if (agent->file < 0) {
    reply_error(connection, EBADF, "no file is open for writing");
    return;
  }
  long result = write_data(agent, request.offset, request.data);
  if (result < 0 || (request.flags & PV_WRITE_LAST) != 0) {
    close_file(agent);
  }
  if (result < 0) {
    reply_error_path(connection, (int)-result, "write", request.path);
  } else if (message.type == PV_WRITE_FILE) {
    reply_begin(connection, PV_FILE_DATA);
    reply_send(connection);
  } else {
    reply_done(connection, result);
  }
}

/* ---- read ----------------------------------------------------------------------------------- */

void handle_read_file(struct agent *agent, struct span payload) {
  struct connection *connection = &agent->connection;
  struct span path;
  char *name = take_path(agent, payload, &path);
  if (name == NULL) {
    return;
  }
  long fd = open_retrying(agent, name, O_RDONLY, 0);
  if (fd < 0) {
    reply_error_path(connection, (int)-fd, "open", path);
    return;
  }
  /* Sizes of files in /proc mean nothing: read until the end. */
  size_t size = 0;
  long got;
  reply_begin(connection, PV_FILE_DATA);
  do {
    uint8_t *room = reply_room(connection, PV_PIECE_SIZE);
    got = room != NULL ? read_retrying(agent, (int)fd, room, PV_PIECE_SIZE) : -ENOMEM;
    if (got > 0) {
      reply_extend(connection, (size_t)got);
      size += (size_t)got;
    }
  } while (got > 0 && size <= PV_MAX_PAYLOAD);
  sys_close((int)fd);
  if (got < 0) {
    reply_error_path(connection, (int)-got, "read", path);
  } else if (size > PV_MAX_PAYLOAD) {
    reply_error_path(connection, EFBIG, "read in one message", path);
  } else {
    reply_send(connection);
  }
}

void handle_read_stream(struct agent *agent, struct span payload) {
  struct connection *connection = &agent->connection;
  struct span path;
  char *name = take_path(agent, payload, &path);
  if (name == NULL) {
    return;
  }
  long fd = open_retrying(agent, name, O_RDONLY, 0);
  if (fd < 0) {
    reply_error_path(connection, (int)-fd, "open", path);
    return;
  }
  int64_t moved = 0;
  long got;
  bool sent = true;
  for (;;) {
    reply_begin(connection, PV_DATA);
    uint8_t *room = reply_room(connection, PV_PIECE_SIZE);
    got = room != NULL ? read_retrying(agent, (int)fd, room, PV_PIECE_SIZE) : -ENOMEM;
    if (got <= 0) {
      break;
    }
    reply_extend(connection, (size_t)got);
    moved += got;
    sent = reply_send(connection);
    if (!sent || agent_interrupted(agent, INTERRUPT_CALL | INTERRUPT_HOST_LOST)) {
      got = -EINTR;
      break;
    }
  }
  sys_close((int)fd);
  if (got < 0) {
    reply_error_path(connection, (int)-got, "read", path);
  } else {
    reply_done(connection, moved);
  }
}

/* ---- look ----------------------------------------------------------------------------------- */

void handle_stat(struct agent *agent, struct span payload) {
  struct connection *connection = &agent->connection;
  struct span path;
  char *name = take_path(agent, payload, &path);
  if (name == NULL) {
    return;
  }
  struct statx facts;
  long result = sys_call5(SYS_statx, AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &facts);
  if (result < 0) {
    reply_error_path(connection, (int)-result, "stat", path);
    return;
  }
  /* As the kernel's own encoding of a device number has it: minor's low byte, major, the rest of minor. */
  uint64_t device = (facts.stx_rdev_minor & 0xffu) | ((uint64_t)(facts.stx_rdev_major & 0xfffu) << 8) |
                    ((uint64_t)(facts.stx_rdev_minor & ~0xffu) << 12) |
                    ((uint64_t)(facts.stx_rdev_major & ~0xfffu) << 32);
  reply_begin(connection, PV_STAT_RESULT);
  reply_u32(connection, facts.stx_mode);
  reply_u32(connection, facts.stx_uid);
  reply_u32(connection, facts.stx_gid);
  reply_u32(connection, facts.stx_nlink);
  reply_u64(connection, facts.stx_size);
  reply_u64(connection, facts.stx_ino);
  reply_u64(connection, device);
  reply_u64(connection, (uint64_t)facts.stx_mtime.tv_sec * 1000000000u + facts.stx_mtime.tv_nsec);
  reply_send(connection);
}

struct directory_entry { /* linux_dirent64 */
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

/* The entries of one getdents64(2), without "." and "..". */
static void add_entries(struct connection *connection, const uint8_t *entries, long length) {
  for (long at = 0; at < length;) {
    const struct directory_entry *entry = (const void *)(entries + at);
    at += entry->length;
    if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0) {
      size_t size = strlen(entry->name);
      reply_u8(connection, entry->type);
      reply_u16(connection, (uint16_t)size);
      reply_bytes(connection, entry->name, size);
    }
  }
}

void handle_list(struct agent *agent, struct span payload) {
  enum { ENTRIES_SIZE = 32768 };
  struct connection *connection = &agent->connection;
  struct span path;
  char *name = take_path(agent, payload, &path);
  if (name == NULL) {
    return;
  }
  long fd = open_retrying(agent, name, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0) {
    reply_error_path(connection, (int)-fd, "open", path);
    return;
  }
  size_t entries_at = (path.length + 16u) / 16 * 16; /* behind the path, aligned */
  long got = -ENOMEM;
  while (buffer_reserve(&agent->arena, entries_at + ENTRIES_SIZE) == 0) {
    uint8_t *entries = agent->arena.data + entries_at;
    got = sys_call3(SYS_getdents64, fd, entries, ENTRIES_SIZE);
    if (got <= 0) {
      break;
    }
    reply_begin(connection, PV_DATA);
    add_entries(connection, entries, got);
    if (!reply_send(connection)) {
      break;
    }
  }
  sys_close((int)fd);
  if (got < 0) {
    reply_error_path(connection, (int)-got, "list", path);
  } else {
    reply_done(connection, 0);
  }
}
