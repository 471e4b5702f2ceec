#include "serve.h"

#include "dispatch.h"
#include "reply.h"

enum { ARENA_KEEP = 1 << 20 };

static void serve_connection(struct session *session) {
  struct connection *connection = &session->connection;
  const struct process_table *table = session->environment->table;
  struct slot *slot = session->slot;
  struct message message;
  slot->base = slot->operation;
  if (!connection->restarted && !reply_ready(connection, table)) {
    return;
  }
  for (;;) {
    switch (connection_receive(connection, &message)) {
    case RECEIVE_ENDED: return;
    case RECEIVE_RESTARTED:
      session_reset(session);
      slot->base = slot->operation;
      reply_ready(connection, table);
      break;
    case RECEIVE_MESSAGE:
      slot->quiesced = 0;
      slot->operation++;
      dispatch_request(session, message);
      slot->operation++;
      connection_settle(connection);
      buffer_trim(&session->arena, ARENA_KEEP);
    }
  }
}

void serve_connections(struct session *session) {
  while (endpoint_wait(&session->endpoint, session->environment, &session->connection)) {
    serve_connection(session);
    session_reset(session);
    endpoint_release(&session->endpoint, &session->connection);
    /* A worker ends with its connection, unless the connection ended because of a snapshot. */
    if (session->number != 0 && (!session->slot->quiesced || session->slot->must_end)) {
      break;
    }
  }
}
