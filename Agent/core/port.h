/* Finds virtio-serial ports by name, and waits for devices to appear. */
#ifndef PROVIUM_PORT_H
#define PROVIUM_PORT_H

/*
 * Returns a socket that receives the kernel's device events, or -errno. Open it before the first search: a
 * device that appears after the search then causes an event.
 */
int port_events_open(void);
/* Discards all received events. One search after it covers all of them. */
void port_events_drain(int events);

/*
 * Opens the port called `name` for reading and writing with `flags`. Returns -ENOENT while there is no such
 * port and -EBUSY while another process has it open.
 */
int port_open(int private, const char *name, int flags);

#endif
