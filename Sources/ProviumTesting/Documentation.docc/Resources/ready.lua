local vm = provium.create():boot()
vm:write_file("/etc/prepared", "yes\n")
vm:background("sleep 100000")
