/* WRITE_PIECE, READ_STREAM, STAT and LIST. */
#include "file.h"

#include <linux/stat.h>

#include "descriptor.h"
#include "handlers.h"
#include "reply.h"
#include "sys.h"
#include "vfs.h"

/* A signal must not end a file operation, unless the host has interrupted it. */
static bool file_may_retry(const struct session *session, long result) {
  return result == -EINTR && !session_interrupted(session, INTERRUPT_CALL | INTERRUPT_HOST_LOST);
}

static long file_open(const struct session *session, const char *path, int flags, unsigned mode) {
  long fd;
  do {
    fd = sys_open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
  } while (file_may_retry(session, fd));
  return fd;
}

/* Returns the path with a zero, in the arena; NULL after it has answered the request with ERROR. */
static char *file_copy_path(struct session *session, struct span path) {
  size_t used = 0;
  char *copy = session_copy_string(session, path, &used);
  if (copy == NULL) {
    reply_error(&session->connection, ENOMEM, "no memory for the path");
  }
  return copy;
}

/* Returns a descriptor, or -1 after it has answered the request with ERROR. */
static int file_open_path(struct session *session, struct span path, int flags) {
  char *name = file_copy_path(session, path);
  if (name == NULL) {
    return -1;
  }
  long fd = file_open(session, name, flags, 0);
  if (fd < 0) {
    reply_error_path(&session->connection, (int)-fd, "open", path);
    return -1;
  }
  return (int)fd;
}

/* ---- write ---------------------------------------------------------------------------------- */

static void file_close(struct session *session) {
  descriptor_close(session->file);
  session->file = -1;
}

/* Opens the file of the connection. Returns false after it has answered the request with ERROR. */
static bool file_create(struct session *session, const struct write_request *request) {
  file_close(session);
  char *path = file_copy_path(session, request->path);
  if (path == NULL) {
    return false;
  }
  bool has_mode = (request->flags & PV_WRITE_MODE) != 0;
  unsigned mode = has_mode ? request->mode & 07777 : 0666;
  long fd = file_open(session, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  if (fd < 0) {
    reply_error_path(&session->connection, (int)-fd, "open", request->path);
    return false;
  }
  session->file = descriptor_hide((int)fd);
  long result = has_mode ? sys_call2(SYS_fchmod, session->file, mode) : 0;
  if (result < 0) {
    reply_error_path(&session->connection, (int)-result, "set the mode of", request->path);
    file_close(session);
    return false;
  }
  return true;
}

/*
 * Writes with one write(2) where the kernel takes all bytes, because each write to a file of /proc/sys has a
 * meaning. A file without offsets (a FIFO, a terminal) is written in order.
 */
static long file_write_data(struct session *session, uint64_t offset, struct span data) {
  size_t done = 0;
  if (offset == 0 && data.length == 0) {
    return 0;
  }
  bool in_order = sys_lseek(session->file, 0, SEEK_CUR) < 0;
  while (done < data.length) {
    const uint8_t *bytes = data.data + done;
    size_t left = data.length - done;
    long put = in_order ? sys_write(session->file, bytes, left)
                        : sys_pwrite(session->file, bytes, left, offset + done);
    if (put == -ESPIPE && !in_order) {
      in_order = true;
    } else if (put < 0 && !file_may_retry(session, put)) {
      return put;
    } else if (put == 0) {
      return -EIO;
    } else {
      done += put > 0 ? (size_t)put : 0;
    }
  }
  return (long)done;
}

int64_t file_write(struct session *session, const struct write_request *request) {
  if ((request->flags & PV_WRITE_CREATE) != 0 && !file_create(session, request)) {
    return -1;
  }
  if (session->file < 0) {
    reply_error(&session->connection, EBADF, "no file is open for writing");
    return -1;
  }
  long result = file_write_data(session, request->offset, request->data);
  if (result < 0 || (request->flags & PV_WRITE_LAST) != 0) {
    file_close(session);
  }
  if (result < 0) {
    reply_error_path(&session->connection, (int)-result, "write", request->path);
    return -1;
  }
  return result;
}

void handle_write_piece(struct session *session, const union request *request) {
  int64_t count = file_write(session, &request->write);
  if (count >= 0) {
    reply_done(&session->connection, count);
  }
}

/* ---- read ----------------------------------------------------------------------------------- */

static long file_read_piece(struct session *session, int fd) {
  uint8_t *room = reply_room(&session->connection, PV_PIECE_SIZE);
  long got = -ENOMEM;
  if (room != NULL) {
    do {
      got = sys_read(fd, room, PV_PIECE_SIZE);
    } while (file_may_retry(session, got));
  }
  if (got > 0) {
    reply_extend(&session->connection, (size_t)got);
  }
  return got;
}

int64_t file_read(struct session *session, struct span path,
                  int (*next)(struct session *session, int64_t count)) {
  int64_t count = 0;
  long got;
  int fd = file_open_path(session, path, O_RDONLY);
  if (fd < 0) {
    return -1;
  }
  while ((got = file_read_piece(session, fd)) > 0) {
    count += got;
    int error = next(session, count);
    if (error != 0) {
      got = -error;
      break;
    }
  }
  sys_close(fd);
  if (got < 0) {
    reply_error_path(&session->connection, (int)-got, "read", path);
    return -1;
  }
  return count;
}

static int file_send_piece(struct session *session, int64_t count) {
  (void)count;
  bool sent = reply_send(&session->connection);
  reply_begin(&session->connection, PV_DATA);
  return !sent || session_interrupted(session, INTERRUPT_CALL | INTERRUPT_HOST_LOST) ? EINTR : 0;
}

void handle_read_stream(struct session *session, const union request *request) {
  reply_begin(&session->connection, PV_DATA);
  int64_t count = file_read(session, request->bytes, file_send_piece);
  if (count >= 0) {
    reply_done(&session->connection, count);
  }
}

/* ---- stat and list -------------------------------------------------------------------------- */

/* Encodes a device number as stat(2) does: the low byte of minor, major, the rest of minor, the rest of
 * major. */
static uint64_t file_device_number(uint32_t major, uint32_t minor) {
  return (minor & 0xffu) | ((uint64_t)(major & 0xfffu) << 8) | ((uint64_t)(minor & ~0xffu) << 12) |
         ((uint64_t)(major & ~0xfffu) << 32);
}

void handle_stat(struct session *session, const union request *request) {
  struct connection *connection = &session->connection;
  char *name = file_copy_path(session, request->bytes);
  if (name == NULL) {
    return;
  }
  struct statx facts;
  long result = sys_call5(SYS_statx, AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &facts);
  if (result < 0) {
    reply_error_path(connection, (int)-result, "stat", request->bytes);
    return;
  }
  reply_begin(connection, PV_STAT_RESULT);
  reply_u32(connection, facts.stx_mode);
  reply_u32(connection, facts.stx_uid);
  reply_u32(connection, facts.stx_gid);
  reply_u32(connection, facts.stx_nlink);
  reply_u64(connection, facts.stx_size);
  reply_u64(connection, facts.stx_ino);
  reply_u64(connection, file_device_number(facts.stx_rdev_major, facts.stx_rdev_minor));
  reply_u64(connection, (uint64_t)facts.stx_mtime.tv_sec * 1000000000u + facts.stx_mtime.tv_nsec);
  reply_send(connection);
}

/* Adds the entries of one getdents64(2), without "." and "..". */
static void file_add_entries(struct connection *connection, const uint8_t *entries, long length) {
  for (long at = 0; at < length;) {
    const struct vfs_entry *entry = (const void *)(entries + at);
    at += entry->length;
    if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0) {
      size_t size = strlen(entry->name);
      reply_u8(connection, entry->type);
      reply_u16(connection, (uint16_t)size);
      reply_bytes(connection, entry->name, size);
    }
  }
}

void handle_list(struct session *session, const union request *request) {
  enum { ENTRIES_SIZE = 32768 };
  struct connection *connection = &session->connection;
  int fd = file_open_path(session, request->bytes, O_RDONLY | O_DIRECTORY);
  if (fd < 0) {
    return;
  }
  long got = buffer_reserve(&session->arena, ENTRIES_SIZE);
  while (got == 0 && (got = sys_call3(SYS_getdents64, fd, session->arena.data, ENTRIES_SIZE)) > 0) {
    reply_begin(connection, PV_DATA);
    file_add_entries(connection, session->arena.data, got);
    got = reply_send(connection) ? 0 : -EPIPE;
  }
  sys_close(fd);
  if (got < 0) {
    reply_error_path(connection, (int)-got, "list", request->bytes);
  } else {
    reply_done(connection, 0);
  }
}
