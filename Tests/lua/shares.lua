-- Folders of the host in the guest: contents, changes, snapshots.

local folder = os.tmpname()
assert(os.execute("rm " .. folder .. " && mkdir -p " .. folder .. "/sub && cd " .. folder
    .. " && echo hello > file && ln -s ../file sub/link && ln file twin && seq 1 100000 > numbers"
    .. " && touch -d 2020-01-01 file numbers"))

local vm = provium.create():boot{share = {["/src"] = folder}}

local function output(command)
    local result = vm:exec(command)
    assert(result.ok, command .. ": " .. result.stderr)
    return (result.stdout:gsub("%s+$", ""))
end

local function host(command)
    local pipe <close> = assert(io.popen(command))
    return (pipe:read("a"):gsub("%s+$", ""))
end

test("the guest reads files, links and attributes of the folder", function()
    assert_eq("hello", output("cat /src/sub/link"))
    assert_eq(host("sha256sum < " .. folder .. "/numbers"), output("sha256sum < /src/numbers"))
    assert_eq("0 0 2 6 1577836800", output("stat -c '%u %g %h %s %Y' /src/twin"))
    assert_eq("file\nnumbers\nsub\ntwin", output("ls /src"))
    assert(output("grep ' /src ' /proc/mounts"):find("fuse.provium ro,", 1, true))
end)

test("the guest can neither write nor leave the folder", function()
    assert(vm:exec("echo x > /src/file").stderr:find("Read%-only file system"))
    assert_eq(output("cat /etc/passwd"), output("cat /src/../etc/passwd"))
end)

test("a program that reads a file continues in a resumed VM", function()
    output("exec 3< /src/numbers; dd bs=4096 count=3 <&3 of=/tmp/first 2>/dev/null; (while [ ! -e /tmp/go ]; do sleep 0.01; done; "
        .. "cat <&3 > /tmp/rest; touch /tmp/done) > /dev/null 2>&1 &")
    output("(find / -xdev > /dev/null; find /src -type f | wc -l > /tmp/found) > /dev/null 2>&1 &")
    vm:restore(vm:snapshot())
    output("touch /tmp/go; while [ ! -e /tmp/done ] || [ ! -s /tmp/found ]; do sleep 0.01; done")
    assert_eq(host("sha256sum < " .. folder .. "/numbers"), output("cat /tmp/first /tmp/rest | sha256sum"))
    assert_eq("3", output("cat /tmp/found"))
end)

test("long files are read whole before and after a save, and by several readers at a time", function()
    host("head -c 9000001 /dev/urandom > " .. folder .. "/long")
    local sum = host("sha256sum < " .. folder .. "/long")
    local long = provium.create():boot{share = {["/src"] = folder}}
    local read = "sha256sum < /src/long"
    local function output(command) return (long:exec(command).stdout:gsub("%s+$", "")) end
    assert_eq(sum, output(read))
    long:restore(long:snapshot())
    assert_eq(sum, output("echo 3 > /proc/sys/vm/drop_caches; " .. read))
    local all = "for n in 1 2 3 4; do cp /src/long /tmp/$n & done; wait; sha256sum /tmp/[1-4] | sort -u -k1,1 | cut -d' ' -f1"
    assert_eq(sum:match("^%x+"), output("echo 3 > /proc/sys/vm/drop_caches; " .. all))
end)

test("many small files are read in order with what they have now, before and after a change and a resume", function()
    host("mkdir -p " .. folder .. "/many && cd " .. folder .. "/many && for d in 1 2 3; do mkdir $d; "
        .. "for f in $(seq 100); do echo $d $f > $d/$f; done; done && find . -exec touch -h -d 2020-01-01 {} +")
    local function both(command)
        assert_eq(host("cd " .. folder .. "/many; " .. command), output("cd /src/many; " .. command), command)
    end
    for _ = 1, 2 do
        both("find . | sort | sha256sum")
        both("cat */* | sha256sum")
        output("echo 3 > /proc/sys/vm/drop_caches")
    end
    -- Half of the files are read, and later ones are ahead: one of them changes.
    output("cat $(seq -f /src/many/1/%g 50) > /dev/null")
    host("echo changed > " .. folder .. "/many/1/60")
    vm:wait_until(function() return output("cat /src/many/1/60") == "changed" end)
    both("cat */* | sha256sum")
    -- Files that are ahead, but were not read, are no failure when they change.
    host("cd " .. folder .. "/many && mkdir 4 && for f in $(seq 100); do echo 4 $f > 4/$f; done && touch -d 2020-01-01 4/*")
    vm:wait_until(function() return vm:exec("ls /src/many/4/100").ok end)
    output("cat /src/many/4/1* > /dev/null")
    local snapshot = vm:snapshot()
    host("cd " .. folder .. "/many && rm 4/20 && echo later > 4/2 && echo new > 4/new")
    vm:restore(snapshot)
    vm:wait_until(function() return output("cat /src/many/4/2") == "later" end)
    both("find . | sort | sha256sum")
    both("cat */* | sha256sum")
end)

test("a running VM gets one more folder, also in a snapshot", function()
    vm:share(folder .. "/sub", "/more/of/it")
    assert_eq("link", output("ls /more/of/it"))
    vm:restore(vm:snapshot())
    assert_eq("../file", output("readlink /more/of/it/link"))
    assert_error(function() vm:share(folder, "/src") end, "same path")
end)

test("a VM that was booted without a folder gets one while it runs", function()
    local plain = provium.create():boot()
    plain:share(folder, "/src")
    assert_contains(plain:exec("ls /src").stdout, "numbers")
end)

test("a file that is replaced on the host has its new contents", function()
    assert_eq("hello", output("cat /src/file"))
    host("echo changed > " .. folder .. "/new && mv " .. folder .. "/new " .. folder .. "/file")
    vm:wait_until(function() return vm:exec("cat /src/file").stdout == "changed\n" end)
end)

test("a file that changes in place is read in one version, or not at all", function()
    local numbers = "sha256sum < /src/numbers"
    local old = output(numbers)
    host("echo 1 >> " .. folder .. "/numbers")
    local new = host("sha256sum < " .. folder .. "/numbers")
    vm:wait_until(function()
        local ok, sum = pcall(output, numbers)
        if ok and sum ~= old then assert_eq(new, sum) end
        return sum == new
    end)
end)

test("a folder that cannot be shared is refused by name", function()
    local function refused(share, text)
        assert_error(function() provium.create():boot{share = share} end, text)
    end
    refused({["/x"] = folder .. "/missing"}, "ENOENT")
    refused({["/x"] = folder .. "/file"}, "not a folder")
    refused({["/x"] = "/proc"}, "proc")
    refused({["/"] = folder}, "root")
    refused({["x"] = folder}, "absolute")
    refused({["/x"] = {owner = "host"}}, "path")
    assert_error(function() vm:share(folder .. "/missing", "/y") end, "ENOENT")
end)

test("the host's tree is the guest's root, and keeps nothing of the guest's changes", function()
    if vm:exec("uname -m").stdout.trim() ~= host("uname -m") then skip("the guest cannot run the host's programs") end
    local on_host = provium.create():boot{root = "/"}
    local function text(command) return (on_host:exec(command).stdout:gsub("%s+$", "")) end
    assert_eq(host("sha256sum < /bin/sh"), text("sha256sum < /bin/sh"))
    assert_eq(text("uname -r"), text("ls /lib/modules/$(uname -r) > /dev/null && uname -r"))
    assert_eq("mine", text("echo mine > /etc/provium-test && rm -rf " .. folder .. " && cat /etc/provium-test"))
    on_host:restore(on_host:snapshot())
    assert_eq("mine", text("cat /etc/provium-test"))
    assert_eq("overlay", text("awk '$2 == \"/\" {print $3}' /proc/mounts"))
    assert_eq("", host("cat /etc/provium-test 2>/dev/null"))
    assert_eq("changed", host("cat " .. folder .. "/file"))
end)

test("an archive is the guest's root, with its owners", function()
    if vm:exec("uname -m").stdout.trim() ~= host("uname -m") then skip("the guest cannot run the host's programs") end
    local base = folder .. "-root"
    host("mkdir -p " .. base .. "/bin " .. base .. "/etc && cd " .. base .. " && cp /bin/sh /bin/cat /bin/ls bin && "
        .. "for p in bin/*; do ldd $p | grep -o '/[^ ]*'; done | sort -u | while read -r f; do "
        .. "mkdir -p ./$(dirname $f) && cp -L $f ./$f; done && echo mine > etc/name && chmod 4600 etc/name && "
        .. "tar --owner=1234 --group=7 --numeric-owner -czf " .. base .. ".tar.gz . && rm -r " .. base)
    local archive = provium.create():boot{root = base .. ".tar.gz"}
    assert_eq("mine\n", archive:exec("cat /etc/name").stdout.value)
    assert(archive:exec("ls -ln /etc/name").stdout.value:find("^%-rwS%-%-%-%-%-%-%.? 1 1234 7 5 "))
    archive:exec("echo yours > /etc/name")
    archive:restore(archive:snapshot())
    assert_eq("yours\n", archive:exec("cat /etc/name").stdout.value)
    os.remove(base .. ".tar.gz")
    host("echo no archive > " .. base .. ".tar")
    assert_error(function() provium.create():boot{root = base .. ".tar"} end, "cannot be unpacked")
    os.remove(base .. ".tar")
end)
