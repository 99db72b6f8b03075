/* The instruction sets of the processor. Compiled for any x86-64, since it decides whether the kernel may run. */
#define _DEFAULT_SOURCE
#include "kernel.h"

#include <sys/syscall.h>
#include <unistd.h>

#define REQUEST_PERMISSION 0x1023 /* arch_prctl(ARCH_REQ_XCOMP_PERM), Linux's Documentation/arch/x86/xstate.rst */
#define TILE_DATA 18              /* XFEATURE_XTILEDATA, the state component of AMX tiles */

int ken_abilities(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512bf16") ||
        !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl"))
        return 0;
    unsigned a = 7, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    const unsigned amx = 1u << 22 | 1u << 24 | 1u << 25; /* bf16, tiles, int8 */
    int tiles = (d & amx) == amx && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
    return 1 | tiles << 1;
}
