# The folders, sources and architectures of the agent, for the scripts of this folder. Not a program.

# Architectures for which an agent can be built. Swift's list is in Sources/ProviumArchitecture.
architectures="x86_64 aarch64"

# From the lowest layer to the highest. check-layers.sh checks that none uses a later one.
folders="core wire share control serve serve/handlers init"

agent_sources() { # HERE
  echo "$1"/main.c "$1"/core/*.c "$1"/wire/*.c "$1"/share/*.c "$1"/control/*.c "$1"/serve/*.c "$1"/serve/handlers/*.c
}

wrapper_sources() { # HERE
  echo "$1"/init/*.c "$1"/core/port.c "$1"/core/system_mounts.c "$1"/core/text.c "$1"/core/vfs.c
}

all_sources() { # HERE
  for folder in . $folders; do ls "$1/$folder"/*.[ch]; done | LC_ALL=C sort
}

# A cross compiler can be installed without its C library, and a native one without a static C library.
can_link_statically() { # CC WORKDIR
  echo 'int main(void) { return 0; }' | "$1" -x c -static - -o "$2/probe" 2>/dev/null
}
