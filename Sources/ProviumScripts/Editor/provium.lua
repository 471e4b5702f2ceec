---@meta provium
-- The functions and types of Provium's test scripts, for the Lua language server. `provium init` writes this file;
-- `provium init --types` writes it again after an update. Docs/Scripting.md has the details.

---@alias duration number | string Seconds, or "500ms", "5s", "2m", "1h".
---@alias size integer | string Bytes, or "256M", "4G".

-- Results

--- The output of a command: a string, with these members besides those of Lua's own strings.
---@class provium.output : string
---@field value string The plain string.
---@field contains fun(text: string): boolean Whether the output contains the text.
---@field starts_with fun(text: string): boolean Whether the output starts with the text.
---@field ends_with fun(text: string): boolean Whether the output ends with the text.
---@field trim fun(): string The output without white space at both ends.
---@field lines fun(): string[] The lines, as a list and as an iterator.

--- The result of a command.
---@class provium.result
---@field ok boolean Whether the exit code is 0 and the time limit was not reached.
---@field exit_code integer The exit code; 128 + n if signal n killed the command.
---@field signal? integer The number of the signal that killed the command.
---@field timed_out? boolean True if the time limit was reached.
---@field stdout provium.output The standard output.
---@field stderr provium.output The standard error.
---@field held_by? { pid: integer, name: string } A process that the command has left running with its output open.

--- The results that a program printed.
---@class provium.program_result
---@field ok boolean Whether no result failed and the exit code says the same.
---@field exit_code integer The exit code.
---@field passed integer The number of results that passed.
---@field failed integer The number of results that failed.
---@field skipped integer The number of results that were skipped.
---@field todo integer The number of results that are expected to fail.

--- The result of a background job.
---@class provium.job_result
---@field running boolean Whether the job runs.
---@field exit_code integer The exit code; -1 while the job runs.
---@field signal? integer The number of the signal that killed the job.
---@field truncated? boolean True if there was more output than is kept.
---@field stdout provium.output The standard output so far.
---@field stderr provium.output The standard error so far.

--- A background job.
---@class provium.job
---@field id integer The number of the job in its VM.
---@field pid integer The process ID of its shell.
---@field holder string Recognizes the owner of the job.
---@field boot integer Recognizes the boot in which the job began.

--- The facts about a file.
---@class provium.stat
---@field type "file" | "directory" | "symlink" | "block" | "character" | "fifo" | "socket" The type of the file.
---@field mode integer The permissions.
---@field uid integer The owner.
---@field gid integer The group.
---@field links integer The number of hard links.
---@field size integer The size in bytes.
---@field inode integer The number of the inode.
---@field device integer The number of the device.
---@field mtime number The time of the last modification, in seconds since 1970.
---@field mtime_ns integer The same in nanoseconds.

--- The result of a boot that may fail.
---@class provium.boot_attempt
---@field booted boolean Whether the VM is booted.
---@field stage "QEMU" | "kernel" | "drivers" | "root disk" | "agent" | "init" | "ready" The last stage that the boot reached.
---@field reason? string The reason of a failure.
---@field console string The text of the console, at most its last 1000 lines.
---@field reports { kind: string, title: string, text: string }[] The kernel reports of the boot.

--- The release of a kernel, which compares as a version: `vm:kernel() >= "6.2"`.
---@class provium.release
---@field release string The release as text.
---@operator concat(any): string
---@operator len: integer

-- Options

--- A disk without an id: an image of the host.
---@class provium.disk_image
---@field path string The image on the host.
---@field format? "raw" | "qcow2" The format of the image; default "raw".
---@field readonly? boolean True: the guest cannot write to it.
---@field snapshot? boolean True: writes are discarded at the end of the VM.

--- A disk with an id, which a test can let fail.
---@class provium.served_disk
---@field id string The name of the disk, 1 to 20 letters, digits, `-` and `_`.
---@field size? size The size of the disk.
---@field path? string A raw image with the first contents, which is only read.
---@field cache? "volatile" | "none" When writes are durable: after a flush (the default), or at once.
---@field model? "virtio-blk" | "virtio-scsi" | "nvme" The kind of device.
---@field sector_size? 512 | 4096 The size of a sector.
---@field overlay? size The most data that changes may take; default "4G".
---@field log? size The most data of writes that a log keeps; default "256M".
---@field seed? integer The seed of everything random; default 1.

--- A network device of a VM.
---@class provium.nic_options
---@field network provium.network The network.
---@field mac? string The Ethernet address.
---@field ip? string | string[] The address, or a list of addresses.
---@field model? "virtio-net" | "e1000" | "e1000e" | "rtl8139" The kind of card; default "virtio-net".

--- The options of `vm:boot`.
---@class provium.boot_options
---@field memory? size The size of the memory; default "512M".
---@field cpus? integer The number of processors; default 1.
---@field files? table<string, string | { content: string, mode?: integer }> Guest path to host path, or to contents.
---@field disks? (string | provium.disk_image | provium.served_disk)[] The disks, in the guest in this order.
---@field append? string Text that is added to the kernel command line.
---@field boot_timeout? duration The time limit of the boot; default 30 s, longer if the guest is emulated.
---@field initial_time? integer | string The guest's time at the start: seconds since 1970, "2030-01-31", "2030-01-31T23:59:59".
---@field clock? "real" | "fast" With "fast", the guest's idle time passes at once.
---@field nics? (provium.network | provium.nic_options)[] The network devices.
---@field hostname? string The host name of the guest.
---@field share? table<string, string | provium.share_options> Guest path to a folder of the host, which is read-only.
---@field kernel? string The kernel in place of the profile's: a path, or a name such as "deb:6.1".
---@field root? string The root of the guest: a folder of the host ("/" is its own), a tar archive, or a container image.

--- A folder of the host in the guest.
---@class provium.share_options
---@field path? string The folder of the host.
---@field owner? "root" | "host" The owners that the guest sees; default "root": files of the host's user belong to root.
---@field one_file_system? boolean True: other file systems below the folder are not shown.

--- The options of a command.
---@class provium.exec_options
---@field timeout? duration The time limit; when it is reached, the process group is killed.
---@field env? table<string, string> Environment variables, in addition to those of the agent.
---@field cwd? string The working directory.
---@field stdin? string The standard input.

--- The options of a process with live streams.
---@class provium.start_options
---@field env? table<string, string> Environment variables, in addition to those of the agent.
---@field cwd? string The working directory.
---@field terminal? boolean | { columns?: integer, rows?: integer } A terminal of its own.

--- Memory that a field inside a buffer points to.
---@class provium.pointer
---@field buf_idx? integer The key in `bufs` of the buffer that has the field (`syscall_ptr`).
---@field ptr_offset integer The offset of the field in the buffer or struct.
---@field data_len? integer The length of the memory in bytes (`syscall_ptr`).
---@field buf_len? integer The length of the memory in bytes (`ioctl_buf`).
---@field data? string The contents before the call, followed by zeros.
---@field output? boolean True if the memory is returned after the call.

--- The options of a sub-test. Any other field is passed to reports.
---@class provium.test_options
---@field tags? string[] Tags, for selection and reports.
---@field timeout? duration The time limit of the sub-test.
---@field skip? boolean | string True or a reason: the sub-test is skipped.
---@field slow? boolean True: the sub-test is skipped, unless `--include-slow` is given.
---@field fresh? boolean True: the sub-test starts from the state of the first fresh sub-test.
---@field kernel? string The releases on which it runs: ">= 6.2", ">= 5.10, < 6.2".
---@field config? string | string[] Options of the kernel that it needs: "IO_URING", "HZ=250", "!KASAN".
---@field arch? "x86_64" | "aarch64" The architecture on which it runs.
---@field cpus? integer The least number of processors.
---@field [string] any

--- The impairments of frames on a link.
---@class provium.impairment
---@field delay? duration The time from arrival to delivery.
---@field jitter? duration The most by which the delay varies.
---@field loss? number The probability that a frame is lost.
---@field duplicate? number The probability that a frame is delivered twice.
---@field corrupt? number The probability that one bit of a frame is inverted.
---@field reorder? number The probability that a frame overtakes those that wait; needs a delay.
---@field burst? { enter: number, leave: number, loss?: number, good_loss?: number } Losses by the model of Gilbert and Elliott.
---@field rate? integer | string Bits in a second: "1Mbit".
---@field queue? integer The largest number of frames that wait for the rate; default 1000.
---@field mtu? integer Frames with more payload are dropped.
---@field cut? boolean True: everything is dropped.
---@field seed? integer The seed of everything random; default 1.

--- A frame: a table for each layer, the payload after the last layer, and the bytes.
---@class provium.frame
---@field eth? table The Ethernet header: `src`, `dst`, `type`, `vlan`.
---@field arp? table `op`, `sender_mac`, `sender_ip`, `target_mac`, `target_ip`.
---@field ip? table `version`, `src`, `dst`, `proto`, `ttl`, `id`, `df`, `mf`, `offset`.
---@field icmp? table `type`, `code`, `id`, `seq`.
---@field udp? table `sport`, `dport`.
---@field tcp? table `sport`, `dport`, `seq`, `ack`, `flags`, `window`, `options`.
---@field dhcp? table Only received: `kind`, `xid`, `chaddr`, `ciaddr`, `yiaddr`, `requested`.
---@field dns? table Only received: `id`, `name`, `type`, `response`, `rcode`.
---@field payload? string The bytes after the last layer.
---@field raw? string All bytes of the frame.

-- VMs and workers

--- The operations that VMs and workers share.
---@class provium.guest
---@field sys table<string, integer> The kernel's numbers on the guest's architecture.
local guest = {}

--- Runs `/bin/sh -c cmd` and returns its result.
---@param cmd string
---@param opts? provium.exec_options
---@return provium.result
function guest:exec(cmd, opts) end

--- Runs a program that prints test results (KTAP, TAP, LTP); each is a sub-test.
---@param cmd string
---@param opts? provium.exec_options
---@return provium.program_result
function guest:ktap(cmd, opts) end

--- Runs a command and parses its standard output as JSON.
---@param cmd string
---@return any
function guest:json(cmd) end

--- Creates or truncates a file and writes data of any size.
---@param path string
---@param data string
---@param mode? integer
function guest:write_file(path, data, mode) end

--- Returns the contents of a file of any size, also in `/proc` and `/sys`.
---@param path string
---@return string
function guest:read_file(path) end

--- Returns the kernel log, or its lines that match a basic regular expression, as of `grep`.
---@param pattern? string
---@return string
function guest:dmesg(pattern) end

--- Mounts `/proc`, `/sys`, `/sys/kernel/security` and `/dev` where they are not mounted. Idempotent.
function guest:mount_vfs() end

--- Calls `fn` until it returns a true value, and returns that value.
---@generic T
---@param fn fun(): T
---@param opts? { timeout?: duration, interval?: duration, desc?: string }
---@return T
function guest:wait_until(fn, opts) end

--- Starts `/bin/sh -c cmd` and returns a process whose streams are read and written while it runs.
---@param cmd string
---@param opts? provium.start_options
---@return provium.process
function guest:start(cmd, opts) end

--- Starts `/bin/sh -c cmd` in the background and returns the job.
---@param cmd string
---@return provium.job
function guest:background(cmd) end

--- Returns the result of a job so far; with a timeout, blocks until the job ends or the time is over.
---@param job provium.job
---@param timeout? duration
---@return provium.job_result
function guest:job_wait(job, timeout) end

--- Kills the process group of a job and returns the final result.
---@param job provium.job
---@return provium.job_result
function guest:job_kill(job) end

--- Makes a system call and returns its result; `-errno` after a failure.
---@param nr integer | string
---@param ... integer
---@return integer
function guest:syscall(nr, ...) end

--- Makes a system call of which the argument `index` is a pointer to `data`.
---@param nr integer | string
---@param index integer
---@param data string
---@param ... integer
---@return integer result
---@return string data
function guest:syscall_buf(nr, index, data, ...) end

--- Makes a system call with several pointers to buffers, by the index of the argument.
---@param nr integer | string
---@param bufs table<integer, string>
---@param ... integer
---@return integer result
---@return string ...
function guest:syscall_bufs(nr, bufs, ...) end

--- Makes a system call whose buffers have fields that point to further memory.
---@param nr integer | string
---@param bufs table<integer, string>
---@param ptrs provium.pointer[]
---@param ... integer
---@return integer result
---@return string ...
function guest:syscall_ptr(nr, bufs, ptrs, ...) end

--- Makes an ioctl and returns its result, and the struct after the call if the kernel may have written it.
---@param fd integer
---@param cmd integer
---@param data? string
---@return integer result
---@return string? data
function guest:ioctl(fd, cmd, data) end

--- Makes an ioctl whose struct has fields that point to further memory.
---@param fd integer
---@param cmd integer
---@param struct string
---@param specs provium.pointer[]
---@return integer result
---@return string? struct
---@return string ...
function guest:ioctl_buf(fd, cmd, struct, specs) end

--- Returns the facts about a file. A symbolic link at the end of the path is not followed.
---@param path string
---@return provium.stat
function guest:stat(path) end

--- Whether something is at the path, also a symbolic link that leads nowhere.
---@param path string
---@return boolean
function guest:exists(path) end

--- Returns the names in a directory, sorted.
---@param path string
---@return string[]
function guest:list(path) end

--- Returns the paths that match, sorted: `*`, `?`, `[…]` and `\` within each part of the path.
---@param pattern string
---@return string[]
function guest:glob(pattern) end

--- Makes a directory.
---@param path string
---@param opts? { mode?: integer, parents?: boolean }
function guest:mkdir(path, opts) end

--- Removes a file, a link or an empty directory; with `recursive`, everything in it.
---@param path string
---@param opts? { recursive?: boolean }
function guest:remove(path, opts) end

--- Renames a file; an existing file at `target` is replaced.
---@param path string
---@param target string
function guest:rename(path, target) end

--- Sets the permissions of a file.
---@param path string
---@param mode integer
function guest:chmod(path, mode) end

--- Makes a symbolic link at `path` with the text `target`.
---@param target string
---@param path string
function guest:symlink(target, path) end

--- Returns the text of a symbolic link.
---@param path string
---@return string
function guest:readlink(path) end

--- Returns the file as it grows. It may be created later.
---@param path string
---@return provium.tail
function guest:tail(path) end

--- Copies a folder of the host, relative to provium.toml, to a directory of the guest.
---@param folder string
---@param path string
---@param opts? { timeout?: duration }
function guest:push(folder, path, opts) end

--- Copies a directory of the guest into a folder of the host, and returns the paths that were left out.
---@param path string
---@param folder string
---@param opts? { timeout?: duration }
---@return string[]
function guest:pull(path, folder, opts) end

--- A virtual machine.
---@class provium.vm : provium.guest
local vm = {}

--- Starts the VM, blocks until its agent is ready, and returns the VM.
---@param opts? provium.boot_options
---@return provium.vm
function vm:boot(opts) end

--- Starts a boot that may fail, and returns how far it came.
---@param opts? provium.boot_options
---@return provium.boot_attempt
function vm:try_boot(opts) end

--- Asks the guest to power off, waits up to 10 s, then ends QEMU. Idempotent.
function vm:shutdown() end

--- Ends QEMU at once.
function vm:kill() end

--- Returns the state of the VM.
---@return "created" | "booted" | "paused" | "shutdown" | "dead"
function vm:state() end

--- Returns the serial console of the present VM, from the first byte of its boot on.
---@return provium.console
function vm:console() end

--- Returns the guest's clocks.
---@return provium.clock
function vm:clock() end

--- Stops the guest's processors. Idempotent.
function vm:pause() end

--- Lets the guest's processors run again. Idempotent.
function vm:unpause() end

--- Sends a non-maskable interrupt to the guest.
function vm:nmi() end

--- Shows a folder of the host, read-only, at a path of the running guest.
---@param folder string The folder; a relative path starts at the folder of provium.toml.
---@param path string The path in the guest.
---@param opts? provium.share_options
function vm:share(folder, path, opts) end

--- Presses the power button and does not wait.
function vm:power_button() end

--- Boots the VM again with the options of its last boot and its disks as they are.
---@return provium.vm
function vm:reset() end

--- Shuts the guest down and boots the VM again.
---@return provium.vm
function vm:reboot() end

--- Returns the disk that `disks` gave that id.
---@param id string
---@return provium.disk
function vm:disk(id) end

--- Starts a worker: a second process or thread of the agent with its own credentials.
---@param opts? { thread?: boolean, shared?: boolean, time_offset?: duration }
---@return provium.worker
function vm:spawn(opts) end

--- Runs `fn`, during which a kernel report that matches `pattern` must appear.
---@param pattern string
---@param fn fun()
function vm:expect_splat(pattern, fn) end

--- Saves the state of the VM with its disks, resumes the VM, and returns the snapshot.
---@return provium.snapshot
function vm:snapshot() end

--- Returns the VM to the state of a snapshot.
---@param snapshot provium.snapshot
function vm:restore(snapshot) end

--- Returns a network device, by the network, its name, or the device's number from 1.
---@param network provium.network | string | integer
---@return provium.nic
function vm:nic(network) end

--- Returns the release of the guest's kernel, which compares as a version.
---@return provium.release
function vm:kernel() end

--- Returns the value of an option of the kernel's configuration: "y", "m", another value, or nil if it is not set.
---@param option string
---@return string?
function vm:config(option) end

--- A saved state of a VM.
---@class provium.snapshot
local snapshot = {}

--- A worker of a VM.
---@class provium.worker : provium.guest
local worker = {}

--- Returns the ID of its kernel thread.
---@return integer
function worker:pid() end

--- Ends the worker.
function worker:kill() end

-- Streams

--- A stream of text that is read while it grows.
---@class provium.stream
local stream = {}

--- Returns what has come, at least one byte; "" when the time is over, nil at the end.
---@param timeout? duration
---@return string?
function stream:read(timeout) end

--- Returns the next line without its end; nil at the end of the output.
---@param timeout? duration
---@return string?
function stream:read_line(timeout) end

--- Returns an iterator over the lines; the timeout is each line's.
---@param timeout? duration
---@return fun(): string?
function stream:lines(timeout) end

--- Returns everything up to and including the text.
---@param text string
---@param timeout? duration
---@return string
function stream:read_until(text, timeout) end

--- Waits for a Lua pattern and returns its captures, or the whole match. Raises if it does not come.
---@param pattern string
---@param timeout? duration
---@return string ...
function stream:expect(pattern, timeout) end

--- A process with live streams.
---@class provium.process : provium.stream
local process = {}

--- Returns what has come of the standard error; "" when the time is over, nil at the end.
---@param timeout? duration
---@return string?
function process:read_error(timeout) end

--- Writes all of the data to the standard input.
---@param data string
---@param timeout? duration
function process:write(data, timeout) end

--- Ends the standard input; of a terminal, sends Ctrl-D.
function process:close() end

--- Sends a signal to the process group.
---@param signal integer | string
function process:signal(signal) end

--- Sets the size of the terminal.
---@param columns integer
---@param rows integer
function process:resize(columns, rows) end

--- Waits for the end and returns the result, with the output that was not read.
---@param timeout? duration
---@return provium.result
function process:wait(timeout) end

--- Whether the process runs.
---@return boolean
function process:running() end

--- Kills the process group. Idempotent.
function process:kill() end

--- Returns the process ID of its shell.
---@return integer
function process:pid() end

--- The serial console of a VM.
---@class provium.console : provium.stream
local console = {}

--- Writes data to the console.
---@param data string
function console:write(data) end

--- A file that is read as it grows.
---@class provium.tail : provium.stream
local tail = {}

-- Clocks and disks

--- The clocks of a guest.
---@class provium.clock
local clock = {}

--- Returns a time in seconds, and the same in nanoseconds.
---@param clock? "realtime" | "monotonic" | "boottime" | "tai"
---@return number seconds
---@return integer nanoseconds
function clock:get(clock) end

--- Sets the real time, in seconds since 1970.
---@param seconds number
function clock:set(seconds) end

--- Moves the real time forward.
---@param duration duration
function clock:advance(duration) end

--- A disk that a test can let fail.
---@class provium.disk
local disk = {}

--- Lets requests fail. Several faults add up; the first that matches decides.
---@param fault { on?: "read" | "write" | "flush" | "trim" | "zero" | "any", sectors?: integer[], after?: integer, times?: integer, errno?: string }
function disk:fault(fault) end

--- Lets every answer come late.
---@param opts { latency?: duration, jitter?: duration, rate?: size }
function disk:slow(opts) end

--- Lets writes fail with ENOSPC once that much more was written.
---@param opts { after: size }
function disk:full(opts) end

--- Lets everything that changes the disk fail.
---@param on boolean
function disk:read_only(on) end

--- Gives the disk another size, and tells the guest.
---@param size size
function disk:resize(size) end

--- Takes the disk away from the guest.
function disk:detach() end

--- Gives a disk that was detached back to the guest.
function disk:attach() end

--- Gives sectors other bytes than they have.
---@param sector integer
---@param sectors? integer
function disk:corrupt(sector, sectors) end

--- Lets a write that survives a power cut be there in part.
---@param on boolean
function disk:torn_writes(on) end

--- Ends all faults.
function disk:clear() end

--- Returns counts: `reads`, `writes`, `flushes`, `trims`, `bytes_read`, `bytes_written`, `failed`, `unflushed`, `overlay`, `size`.
---@return table<string, integer>
function disk:stats() end

--- Returns contents as the guest has written them, or, with `durable`, as a power cut would leave them.
---@param offset integer
---@param n integer
---@param opts? { durable?: boolean }
---@return string
function disk:read(offset, n, opts) end

--- Changes contents durably without the guest's knowledge, in whole sectors.
---@param offset integer
---@param data string
function disk:write(offset, data) end

--- Marks a place in the log of requests, for `provium.crash_points`.
---@param text string
function disk:mark(text) end

--- Ends the VM at once; every disk loses what no flush has made durable. Returns numbers of changes of this disk.
---@param opts? { survive?: number, seed?: integer }
---@return { lost: integer, kept: integer, torn: integer }
function disk:power_cut(opts) end

-- Networks

--- A network of VMs.
---@class provium.network
---@field name string The name of the network.
local network = {}

--- Returns the link between two VMs in both directions.
---@param a provium.vm
---@param b provium.vm
---@return provium.link
function network:between(a, b) end

--- Returns the direction from a VM to another.
---@param a provium.vm
---@param b provium.vm
---@return provium.link
function network:from(a, b) end

--- Sets what all directions without settings of their own do to frames.
---@param impairment provium.impairment
function network:set(impairment) end

--- Divides the VMs into groups that do not reach each other.
---@param ... provium.vm[]
function network:partition(...) end

--- Ends the partition.
function network:heal() end

--- Drops frames that match; with `nth`, only the n-th of them.
---@param filter { from?: provium.vm, to?: provium.vm, nth?: integer, arp?: true, ipv4?: true, ipv6?: true, icmp?: true, icmp6?: true, udp?: true | integer, tcp?: true | integer }
function network:drop(filter) end

--- Ends all `drop`.
function network:undrop() end

--- Writes all frames from now on into a pcapng file; a relative path starts at the folder of provium.toml.
---@param path string
function network:capture(path) end

--- Completes the capture and returns the number of its entries.
---@return integer
function network:stop_capture() end

--- Returns counts of a VM's frames, and of drops by their cause.
---@param a provium.vm
---@return table<string, integer>
function network:counts(a) end

--- Forwards connections to a TCP port of this computer's loopback interface to a VM; needs a network with `host`.
---@param vm provium.vm
---@param port integer The port of the VM.
---@param host_port? integer The port of this computer; default a free one.
---@return integer host_port
function network:forward(vm, port, host_port) end

--- Adds a station that the script plays.
---@param opts? { mac?: string, ip?: string | string[], name?: string, answer?: string[] }
---@return provium.port
function network:port(opts) end

--- One or both directions between two VMs.
---@class provium.link
local link = {}

--- Replaces everything that the link does to frames.
---@param impairment provium.impairment
function link:set(impairment) end

--- Ends the link's own settings.
function link:clear() end

--- A network device of a VM.
---@class provium.nic
---@field mac string The Ethernet address.
---@field ip? string The IPv4 address.
---@field ip6? string The IPv6 address.
---@field name string The name in the guest: "eth0".
local nic = {}

--- Takes the carrier away.
function nic:down() end

--- Gives the carrier back.
function nic:up() end

--- Takes the device out of the running guest.
function nic:unplug() end

--- Puts the device back into the guest, with its addresses.
function nic:plug() end

--- A station that the script plays.
---@class provium.port
---@field mac string The Ethernet address.
---@field ip? string The IPv4 address.
---@field ip6? string The IPv6 address.
local port = {}

--- Sends a frame. Lengths and checksums are filled in.
---@param frame provium.frame | string
function port:send(frame) end

--- Takes frames in their order and returns the first for which `fn` returns true.
---@param fn fun(frame: provium.frame): any
---@param timeout? duration
---@return provium.frame
function port:expect(fn, timeout) end

--- Calls `fn` for each frame that `port:expect` takes and that has this layer.
---@param kind "any" | "arp" | "ip" | "icmp" | "udp" | "tcp" | "dhcp" | "dns"
---@param fn fun(frame: provium.frame)
function port:on(kind, fn) end

--- Lets the station answer by itself.
---@param kind "arp" | "ping" | "echo" | "sink" | "stall" | "dhcp" | "dns"
---@param names? table<string, string | string[]>
function port:answer(kind, names) end

--- Forgets the frames that came so far.
function port:clear() end

-- The library

--- VMs and networks that were saved and resumed together.
---@class provium.lab
---@field [string] provium.vm | table<string, provium.network> A VM, by its host name, or `networks`, by name.

--- Provium's functions.
---@class provium
---@field version string The version of Provium.
---@field kernel string | false The kernel of `--kernel` or of the matrix: "deb:6.1", or an absolute path.
---@field null any The value that represents `null` of JSON.
---@field errno table<string, integer> Error numbers: `provium.errno.ENOENT`.
---@field sys table<string, integer> Constants of this host's architecture: `provium.sys.O_RDONLY`.
---@field fresh boolean True, at the top of a file: every sub-test is a fresh one.
provium = {}

--- Returns a VM that is not booted.
---@param profile? string
---@return provium.vm
function provium.create(profile) end

--- Returns a booted VM, resumed from the snapshot of the fixture, which is built at its first use.
---@param name string
---@param opts? { nics?: (provium.network | provium.nic_options)[], hostname?: string }
---@return provium.vm
function provium.fixture(name, opts) end

--- Returns the VMs and networks of fixtures/NAME.lua, resumed together.
---@param name string
---@return provium.lab
function provium.lab(name) end

--- Calls functions side by side, and returns the first result of each, in order.
---@param functions (fun(): any)[]
---@return any ...
function provium.all(functions) end

--- Creates a network of VMs.
---@param name string
---@param opts? { subnet?: string | string[], mtu?: integer, dhcp?: boolean, host?: boolean }
---@return provium.network
function provium.network(name, opts) end

--- Reserves, at the top of a file, what all its VMs need together.
---@param opts { memory?: size, cpus?: integer }
function provium.claim(opts) end

--- Shuts down every VM of the file.
function provium.shutdown_all() end

--- Packs values into a byte string: "u32 u64 8s".
---@param fmt string
---@param ... integer | number | string
---@return string
function provium.pack(fmt, ...) end

--- Unpacks one value for each specifier that has one.
---@param fmt string
---@param data string
---@param offset? integer
---@return any ...
function provium.unpack(fmt, data, offset) end

--- Explores the states in which a power cut may leave a disk.
---@param opts { machine: provium.vm, disk: string, run: fun(vm: provium.vm), check: fun(vm: provium.vm, point: { name: string, id: string, kind: string, requests: integer, marks: string[] }), reorder?: integer, torn?: boolean, max?: integer, seed?: integer, log?: string, at_once?: integer, fresh?: boolean }
---@return { states: integer, failed: integer, per_minute: integer, smallest: string?, id: string? }
function provium.crash_points(opts) end

--- Returns the number of an ioctl without a struct.
---@param type integer | string
---@param nr integer
---@return integer
function provium.IO(type, nr) end

--- Returns the number of an ioctl whose struct the kernel writes.
---@param type integer | string
---@param nr integer
---@param size integer
---@return integer
function provium.IOR(type, nr, size) end

--- Returns the number of an ioctl whose struct the kernel reads.
---@param type integer | string
---@param nr integer
---@param size integer
---@return integer
function provium.IOW(type, nr, size) end

--- Returns the number of an ioctl whose struct the kernel reads and writes.
---@param type integer | string
---@param nr integer
---@param size integer
---@return integer
function provium.IOWR(type, nr, size) end

-- Global functions

--- Runs `fn(t)` at once as a sub-test; its failure does not end the script.
---@param name string
---@param meta provium.test_options
---@param fn fun(t: { name: string })
---@overload fun(name: string, fn: fun(t: { name: string }))
function test(name, meta, fn) end

--- Ends the sub-test as skipped.
---@param reason? string
function skip(reason) end

--- Ends the sub-test as not implemented: neither passed nor failed.
---@param reason? string
function todo(reason) end

--- Calls the function after each sub-test that fails from now on, to print what is known.
---@param fn fun(t: table)
function on_failure(fn) end

--- Always fails.
---@param msg string
function fail(msg) end

--- Fails unless both are equal; tables are compared by their contents.
---@param expected any
---@param actual any
---@param msg? string
function assert_eq(expected, actual, msg) end

--- Fails unless both differ.
---@param unexpected any
---@param actual any
---@param msg? string
function assert_ne(unexpected, actual, msg) end

--- Fails unless the string contains the text, or the list contains the value.
---@param haystack string | any[]
---@param needle any
---@param msg? string
function assert_contains(haystack, needle, msg) end

--- Fails unless the string matches the Lua pattern.
---@param s string
---@param lua_pattern string
---@param msg? string
function assert_match(s, lua_pattern, msg) end

--- Fails unless `fn` raises an error whose text contains `needle`; returns the error.
---@param fn fun()
---@param needle? string
---@return any
function assert_error(fn, needle) end

--- Returns the elements of a list, as `table.unpack` does.
---@param list any[]
---@param first? integer
---@param last? integer
---@return any ...
function unpack(list, first, last) end

--- Compiles a text, as `load` does.
---@param text string
---@param name? string
---@return function?
---@return string? message
function loadstring(text, name) end
