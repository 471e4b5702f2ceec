/*
 * The control process: parent of the main agent and of all workers, and the host's way to them when they are
 * busy.
 *
 * One loop over epoll that never blocks anywhere else. It owns the control connection, carries workers'
 * connections over a serial port, interrupts blocked requests, and empties the pipes of background commands.
 */
#ifndef PROVIUM_CONTROL_H
#define PROVIUM_CONTROL_H

#include "admission.h"
#include "buffer.h"
#include "decode.h"
#include "guest.h"
#include "internal.h"
#include "link.h"

/* A queue of bytes: data[start, end). */
struct queue {
  struct buffer buffer;
  size_t start, end;
};

/* Connections whose secret has not come; one more takes the place of the oldest, so that silence holds up
 * nobody. */
enum { CANDIDATES = 8 };

/* The host's side. A port (link frames) and vsock (bare messages) may both be there; one session at a time.
 */
struct host {
  int port, listener, events;
  struct candidate candidates[CANDIDATES];
  unsigned next_candidate;
  int stream;       /* an accepted connection */
  int active;       /* the descriptor of the session: port, stream, or -1 */
  bool greeted;     /* something of the session has been written: the host is connected */
  bool quiesced;    /* the session's end will be a snapshot's */
  struct queue raw; /* from the port */
  struct queue in;  /* messages for control itself */
  struct queue out;
};

/* The connection of a worker over the port. */
struct channel {
  int handing; /* socket over which the worker is handed connections; -1: no such worker */
  int stream;  /* our end of its present connection */
  bool waits;  /* `out` is to be sent on when the worker reads again */
  struct queue out;
};

/* The pipes of a background command and the files they are emptied into. */
struct drain {
  int pipes[2], files[2];
  uint32_t sizes[2]; /* kept so far, at most PV_MAX_JOB_STREAM */
};

/* What control alone knows of a background command. */
struct job_state {
  bool killed;  /* nobody of its group lives on */
  bool leaving; /* freed as soon as its leader can be reaped */
};

struct interrupt {
  bool active;
  uint32_t operation, base;
  unsigned tries;
};

enum { TARGETS = PV_MAX_WORKERS + 1 };

struct control {
  struct guest *guest;
  struct shared *shared;
  int epoll, internal;
  struct host host;
  bool main_gone;
  int main_status;
  bool channels_paused; /* the host does not read: nor do we */
  struct channel channels[TARGETS];
  struct drain drains[PV_MAX_JOBS];
  struct job_state jobs[PV_MAX_JOBS];
  struct interrupt interrupts[TARGETS];
  bool kill_awaited[TARGETS]; /* KILL_WORKER is to be answered when it is gone */
};

/* Never returns in a guest. */
void control_run(struct control *control);
int control_init(struct control *control, struct guest *guest, int internal);

/* ---- the loop's descriptors ---- */
enum source {
  SOURCE_PORT,
  SOURCE_LISTENER,
  SOURCE_EVENTS,
  SOURCE_STREAM,
  SOURCE_CANDIDATE,
  SOURCE_INTERNAL,
  SOURCE_CHANNEL,
  SOURCE_DRAIN
};
void control_watch(struct control *control, int fd, uint32_t events, enum source source, uint32_t index);
void control_rewatch(struct control *control, int fd, uint32_t events, enum source source, uint32_t index);
/* Also closes it. */
void control_unwatch(struct control *control, int fd);
/* Takes in everything that serving processes have sent. */
void control_take_internal(struct control *control);

/* ---- control_host.c: the connection ---- */
void host_open(struct control *control, int given, bool given_link);
void host_look(struct control *control); /* for what was not there before */
void host_accept(struct control *control);
void host_admit(struct control *control, uint32_t index);
void host_readable(struct control *control, int fd);
void host_flush(struct control *control);
void host_send(struct control *control, uint8_t type, const void *payload, uint32_t length);
void host_send_error(struct control *control, int number, const char *message);
/* Room for a frame of `size` bytes at the end of the queue, to be completed by host_frame_end; NULL: none. */
uint8_t *host_frame_room(struct control *control, size_t size);
void host_frame_end(struct control *control, uint8_t type, uint32_t channel, uint32_t length);
bool host_is_full(const struct control *control);

/* ---- control_request.c: what the host asks of control ---- */
void control_handle(struct control *control, uint8_t type, struct span payload);
void control_send_ready(struct control *control);
void control_send_gone(struct control *control, uint32_t target, int pid, int status);

/* ---- control_channel.c: workers' connections over the port ---- */
void channel_add(struct control *control, uint32_t number, int handing);
void channel_open(struct control *control, uint32_t number);
void channel_receive(struct control *control, uint32_t number, const uint8_t *bytes, size_t length);
void channel_ready(struct control *control, uint32_t number, uint32_t events);
void channel_close(struct control *control, uint32_t number, bool tell_host);
void channel_remove(struct control *control, uint32_t number);
/* Ends workers that wait for a first connection, which will not come. */
void channels_abandon(struct control *control);
void channels_resume(struct control *control);

/* ---- control_drain.c: output of background commands ---- */
void drain_add(struct control *control, uint32_t index, const int descriptors[4]);
void drain_ready(struct control *control, uint32_t index);
void drain_close(struct control *control, uint32_t index);

/* ---- control_job.c: processes of background commands ---- */
/* What their owner asks: LOOK, KILL and FREE. */
void job_handle(struct control *control, const struct internal_message *message);
/* The owner is gone: its jobs go too. */
void jobs_end(struct control *control, uint32_t owner);
/* After a child's end: whose it was. */
void jobs_look(struct control *control);
/* A child that died before it led its own group has been reaped with control's. */
void jobs_note_reaped(struct control *control, int pid, int status);

/* ---- control_interrupt.c ---- */
/* `request`: which one of the target's session, counted from 1, also one that has not begun; 0: what it does
 * now. */
void interrupt_begin(struct control *control, uint32_t target, uint32_t request, uint32_t reason);
void interrupt_all(struct control *control);
/* Sends what is due; milliseconds until the next time, -1: nothing is waiting. */
int interrupt_tick(struct control *control);

/* ---- queue.c ---- */
/* Room for `size` bytes behind the end; NULL without memory. */
uint8_t *queue_room(struct queue *queue, size_t size);
bool queue_append(struct queue *queue, const void *bytes, size_t length);
size_t queue_length(const struct queue *queue);
/* Takes away from the front; gives memory back when it is empty. */
void queue_consume(struct queue *queue, size_t length);
void queue_clear(struct queue *queue);

#endif
