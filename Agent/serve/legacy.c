/*
 * EXEC, WRITE_FILE, READ_FILE, JOB_WAIT and JOB_KILL: requests of the first protocol, whose whole result is
 * one message. Each adapts a newer request.
 */
#include "descriptor.h"
#include "exec.h"
#include "file.h"
#include "handlers.h"
#include "job.h"
#include "reply.h"
#include "sys.h"

enum { RESULT_FIELDS = 13 }; /* bytes of JOB_RESULT besides the output; EXEC_RESULT has one fewer */

/* ---- results with output -------------------------------------------------------------------- */

/* Adds {length u32, bytes} of a file to the message. */
static void legacy_add_output(struct connection *connection, int file, size_t size) {
  reply_u32(connection, (uint32_t)size);
  uint8_t *room = reply_room(connection, size);
  size_t done = 0;
  long got = 1;
  while (room != NULL && done < size && got > 0) {
    got = sys_pread(file, room + done, size - done, done);
    done += got > 0 ? (size_t)got : 0;
  }
  if (done == size) {
    reply_extend(connection, size);
  } else {
    reply_fail(connection);
  }
}

/* Adds exit code, stdout and stderr, the common part of EXEC_RESULT and JOB_RESULT. */
static void legacy_add_result(struct connection *connection, int32_t exit_code, const int files[JOB_STREAMS],
                              const uint64_t sizes[JOB_STREAMS]) {
  reply_u32(connection, (uint32_t)exit_code);
  for (int stream = 0; stream < JOB_STREAMS; stream++) {
    legacy_add_output(connection, files[stream], (size_t)sizes[stream]);
  }
}

/* ---- commands ------------------------------------------------------------------------------- */

struct legacy_capture {
  int files[JOB_STREAMS];
  uint64_t sizes[JOB_STREAMS];
  int error;
};

static bool legacy_capture_output(struct session *session, int stream, struct span bytes, void *context) {
  struct legacy_capture *capture = context;
  (void)session;
  size_t done = 0;
  while (done < bytes.length && capture->error == 0) {
    long put = sys_write(capture->files[stream], bytes.data + done, bytes.length - done);
    done += put > 0 ? (size_t)put : 0;
    capture->error = put <= 0 && put != -EINTR ? ENOMEM : 0;
  }
  capture->sizes[stream] += done;
  if (capture->sizes[0] + capture->sizes[1] > PV_MAX_PAYLOAD - RESULT_FIELDS + 1) {
    capture->error = EFBIG;
  }
  return capture->error == 0;
}

static int legacy_exec_error(const struct exec_result *result, const struct legacy_capture *capture,
                             struct text *failure) {
  if (capture->error == EFBIG) {
    text_add(failure, "the command's output is larger than one message; the command was ended");
    return EFBIG;
  }
  if (result->refused) {
    text_add(failure, "no memory for the command's output; the command was ended");
    return ENOMEM;
  }
  if (result->status_unknown) {
    text_add(failure, "the command's exit status was taken by a wait of the script");
    return ECHILD;
  }
  return 0;
}

void handle_exec(struct session *session, const union request *request) {
  struct connection *connection = &session->connection;
  struct legacy_capture capture = {.error = 0};
  struct text failure = {.length = 0};
  struct exec_result result;
  for (int stream = 0; stream < JOB_STREAMS; stream++) {
    capture.files[stream] = environment_memory_file(session->environment);
  }
  int error = capture.files[0] < 0 || capture.files[1] < 0 ? EMFILE : 0;
  if (error != 0) {
    text_add(&failure, "no descriptors left for the command's output");
  } else {
    struct exec_output output = {legacy_capture_output, &capture};
    error = exec_run(session, &request->exec, output, &result, &failure);
    error = error == 0 ? legacy_exec_error(&result, &capture, &failure) : error;
  }
  if (error != 0) {
    reply_error(connection, error, failure.data);
  } else {
    reply_begin(connection, PV_EXEC_RESULT);
    legacy_add_result(connection, process_exit_code(result.status), capture.files, capture.sizes);
    reply_send(connection);
  }
  descriptor_close(capture.files[0]);
  descriptor_close(capture.files[1]);
}

/* JOB_WAIT, and JOB_KILL: the decoder has set PV_COLLECT_KILL. */
void handle_job_wait(struct session *session, const union request *request) {
  struct connection *connection = &session->connection;
  const struct job *job = job_await(session, &request->job);
  if (job == NULL) {
    return;
  }
  if (job->sizes[0] + job->sizes[1] > PV_MAX_PAYLOAD - RESULT_FIELDS) {
    reply_error(connection, EFBIG, "the job's output is larger than one message; JOB_COLLECT streams it");
    return;
  }
  reply_begin(connection, PV_JOB_RESULT);
  reply_u8(connection, !job->finished);
  legacy_add_result(connection, job_exit_code(job), job->files, job->sizes);
  reply_send(connection);
}

/* ---- files ---------------------------------------------------------------------------------- */

void handle_write_file(struct session *session, const union request *request) {
  if (file_write(session, &request->write) >= 0) {
    reply_begin(&session->connection, PV_FILE_DATA);
    reply_send(&session->connection);
  }
}

static int legacy_check_size(struct session *session, int64_t count) {
  (void)session;
  return count > (int64_t)PV_MAX_PAYLOAD ? EFBIG : 0;
}

void handle_read_file(struct session *session, const union request *request) {
  reply_begin(&session->connection, PV_FILE_DATA);
  if (file_read(session, request->bytes, legacy_check_size) >= 0) {
    reply_send(&session->connection);
  }
}
