/* The handlers of the requests of a serving process. Each sends exactly one final reply. */
#ifndef PROVIUM_HANDLERS_H
#define PROVIUM_HANDLERS_H

#include "decode.h"
#include "session.h"

/* call.c */
void handle_call(struct session *session, const union request *request);
/* exec.c */
void handle_exec_full(struct session *session, const union request *request);
void handle_stdin(struct session *session, const union request *request);
/* job.c */
void handle_exec_async(struct session *session, const union request *request);
void handle_job_collect(struct session *session, const union request *request);
/* process_stream.c */
void handle_process_start(struct session *session, const union request *request);
void handle_process_read(struct session *session, const union request *request);
void handle_process_write(struct session *session, const union request *request);
void handle_process_signal(struct session *session, const union request *request);
void handle_process_resize(struct session *session, const union request *request);
void handle_process_end(struct session *session, const union request *request);
/* file.c */
void handle_write_piece(struct session *session, const union request *request);
void handle_read_stream(struct session *session, const union request *request);
void handle_stat(struct session *session, const union request *request);
void handle_list(struct session *session, const union request *request);
/* mount.c */
void handle_mount_vfs(struct session *session, const union request *request);
void handle_mount(struct session *session, const union request *request);
/* share.c */
void handle_share(struct session *session, const union request *request);
/* worker.c */
void handle_spawn_worker(struct session *session, const union request *request);
/* snapshot.c */
void handle_resume(struct session *session, const union request *request);
void handle_quiesce(struct session *session, const union request *request);
/* interface.c */
void handle_interface(struct session *session, const union request *request);
/* guest.c */
void handle_kernel_log(struct session *session, const union request *request);
void handle_shutdown(struct session *session, const union request *request);
void handle_echo(struct session *session, const union request *request);
/* state.c */
void handle_state(struct session *session, const union request *request);
/* legacy.c */
void handle_exec(struct session *session, const union request *request);
void handle_write_file(struct session *session, const union request *request);
void handle_read_file(struct session *session, const union request *request);
void handle_job_wait(struct session *session, const union request *request);

#endif
