/* MOUNT and MOUNT_VFS. */
#include "handlers.h"
#include "reply.h"
#include "sys.h"
#include "system_mounts.h"

static bool mount_report_failure(const char *target, int error, void *context) {
  struct session *session = context;
  struct span path = {(const uint8_t *)target, (uint32_t)strlen(target)};
  reply_error_path(&session->connection, error, "mount", path);
  return false;
}

void handle_mount_vfs(struct session *session, const union request *request) {
  (void)request;
  if (system_mounts_apply(SYSTEM_MOUNTS_VFS, mount_report_failure, session)) {
    reply_done(&session->connection, 0);
  }
}

void handle_mount(struct session *session, const union request *request) {
  struct connection *connection = &session->connection;
  const struct mount_request *mount = &request->mount;
  size_t size =
      (size_t)mount->source.length + mount->target.length + mount->type.length + mount->data.length + 4;
  size_t used = 0;
  if (buffer_reserve(&session->arena, size) != 0) {
    reply_error(connection, ENOMEM, "no memory for the mount request");
    return;
  }
  const char *source = session_copy_string(session, mount->source, &used);
  const char *target = session_copy_string(session, mount->target, &used);
  const char *type = session_copy_string(session, mount->type, &used);
  const char *data = session_copy_string(session, mount->data, &used);
  long result = sys_call5(SYS_mount, source, target, mount->type.length != 0 ? type : NULL, mount->flags,
                          mount->data.length != 0 ? data : NULL);
  if (result < 0) {
    reply_error_path(connection, (int)-result, "mount", mount->target);
  } else {
    reply_done(connection, 0);
  }
}
