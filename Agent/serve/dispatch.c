#include "dispatch.h"

#include "handlers.h"
#include "reply.h"
#include "sys.h"

struct dispatch_entry {
  uint8_t code;
  const char *name; /* as in Docs/Protocol.md */
  int (*decode)(struct span payload, union request *request);
  void (*handle)(struct session *session, const union request *request);
};

static const struct dispatch_entry dispatch_table[] = {
    {PV_SYSCALL, "SYSCALL", decode_syscall, handle_call},
    {PV_SYSCALL_PTR, "SYSCALL_PTR", decode_syscall_ptr, handle_call},
    {PV_IOCTL, "IOCTL", decode_ioctl, handle_call},
    {PV_IOCTL_BUF, "IOCTL_BUF", decode_ioctl_buf, handle_call},
    {PV_EXEC_FULL, "EXEC_FULL", decode_exec_full, handle_exec_full},
    {PV_STDIN, "STDIN", decode_bytes, handle_stdin},
    {PV_EXEC_ASYNC, "EXEC_ASYNC", decode_command, handle_exec_async},
    {PV_JOB_COLLECT, "JOB_COLLECT", decode_job_collect, handle_job_collect},
    {PV_PROCESS_START, "PROCESS_START", decode_process_start, handle_process_start},
    {PV_PROCESS_READ, "PROCESS_READ", decode_process_read, handle_process_read},
    {PV_PROCESS_WRITE, "PROCESS_WRITE", decode_process_write, handle_process_write},
    {PV_PROCESS_SIGNAL, "PROCESS_SIGNAL", decode_process_signal, handle_process_signal},
    {PV_PROCESS_RESIZE, "PROCESS_RESIZE", decode_process_resize, handle_process_resize},
    {PV_PROCESS_END, "PROCESS_END", decode_process_end, handle_process_end},
    {PV_WRITE_PIECE, "WRITE_PIECE", decode_write_piece, handle_write_piece},
    {PV_READ_STREAM, "READ_STREAM", decode_path, handle_read_stream},
    {PV_STAT, "STAT", decode_path, handle_stat},
    {PV_LIST, "LIST", decode_path, handle_list},
    {PV_KERNEL_LOG, "KERNEL_LOG", decode_nothing, handle_kernel_log},
    {PV_MOUNT_VFS, "MOUNT_VFS", decode_nothing, handle_mount_vfs},
    {PV_MOUNT, "MOUNT", decode_mount, handle_mount},
    {PV_SPAWN_WORKER, "SPAWN_WORKER", decode_spawn, handle_spawn_worker},
    {PV_RESUME, "RESUME", decode_resume, handle_resume},
    {PV_QUIESCE, "QUIESCE", decode_nothing, handle_quiesce},
    {PV_STATE, "STATE", decode_nothing, handle_state},
    {PV_INTERFACE, "INTERFACE", decode_interface, handle_interface},
    {PV_SHARE, "SHARE", decode_share, handle_share},
    {PV_SHUTDOWN, "SHUTDOWN", decode_nothing, handle_shutdown},
    {PV_ECHO, "ECHO", decode_bytes, handle_echo},
    /* Requests of the first protocol, adapted in legacy.c. */
    {PV_EXEC, "EXEC", decode_command, handle_exec},
    {PV_WRITE_FILE, "WRITE_FILE", decode_write_file, handle_write_file},
    {PV_READ_FILE, "READ_FILE", decode_path, handle_read_file},
    {PV_JOB_WAIT, "JOB_WAIT", decode_job_wait, handle_job_wait},
    {PV_JOB_KILL, "JOB_KILL", decode_job_kill, handle_job_wait},
};

static const struct dispatch_entry *dispatch_find(uint8_t code) {
  for (size_t i = 0; i < sizeof dispatch_table / sizeof dispatch_table[0]; i++) {
    if (dispatch_table[i].code == code) {
      return &dispatch_table[i];
    }
  }
  return NULL;
}

static void dispatch_refuse(struct session *session, int error, const char *name) {
  struct text what = {.length = 0}, text = {.length = 0};
  text_add(&what, error == EMSGSIZE ? "the reply to " : "malformed payload of ");
  text_add(&what, name);
  if (error == EMSGSIZE) {
    message_describe_limit(&text, what.data);
  }
  reply_error(&session->connection, error, error == EMSGSIZE ? text.data : what.data);
}

void dispatch_request(struct session *session, struct message message) {
  const struct dispatch_entry *entry = dispatch_find(message.type);
  if (entry == NULL) {
    struct text text = {.length = 0};
    text_add(&text, "unknown request type ");
    text_add_number(&text, message.type);
    reply_error(&session->connection, EOPNOTSUPP, text.data);
    return;
  }
  union request request;
  int error = entry->decode(message.payload, &request);
  if (error != 0) {
    dispatch_refuse(session, error, entry->name);
  } else {
    entry->handle(session, &request);
  }
}
