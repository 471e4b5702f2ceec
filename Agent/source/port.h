/* Finding a virtio-serial port by its name, whenever it appears. */
#ifndef PROVIUM_PORT_H
#define PROVIUM_PORT_H

/*
 * A socket of the kernel's device events, or -errno. To be made before the first look, so that nothing can
 * appear unnoticed in between.
 */
int port_events_open(void);
/* Throws away what the socket holds: after it one look answers for all of them. */
void port_events_drain(int events);

/*
 * Opens the port called `name` for reading and writing with `flags`; -ENOENT while there is none. A port has
 * one opener at a time, the kernel answers others with EBUSY.
 */
int port_open(int private, const char *name, int flags);

#endif
