/* KERNEL_LOG, SHUTDOWN and ECHO. */
#include "handlers.h"
#include "power.h"
#include "reply.h"
#include "sys.h"

/* syslog(2), because it needs neither /dev/kmsg nor /proc. */
void handle_kernel_log(struct session *session, const union request *request) {
  enum { READ_ALL = 3, SIZE_BUFFER = 10 };
  struct connection *connection = &session->connection;
  (void)request;
  long size = sys_call3(SYS_syslog, SIZE_BUFFER, 0, 0);
  long length = size;
  if (size > 0) {
    /* The kernel adds a time stamp to each line, so the text can be larger than its buffer; twice is enough.
     */
    size *= 2;
    length = buffer_reserve(&session->arena, (size_t)size);
    length = length == 0 ? sys_call3(SYS_syslog, READ_ALL, session->arena.data, size) : length;
  }
  if (length < 0) {
    reply_error(connection, (int)-length, "cannot read the kernel log");
    return;
  }
  for (long at = 0; at < length;) {
    long piece = length - at < (long)PV_PIECE_SIZE ? length - at : (long)PV_PIECE_SIZE;
    reply_begin(connection, PV_DATA);
    reply_bytes(connection, session->arena.data + at, (size_t)piece);
    if (!reply_send(connection)) {
      return;
    }
    at += piece;
  }
  reply_done(connection, length);
}

void handle_shutdown(struct session *session, const union request *request) {
  (void)request;
  reply_ready(&session->connection, session->environment->table);
  power_off(session->environment);
}

void handle_echo(struct session *session, const union request *request) {
  reply_begin(&session->connection, PV_DATA);
  reply_bytes(&session->connection, request->bytes.data, request->bytes.length);
  reply_send(&session->connection);
}
