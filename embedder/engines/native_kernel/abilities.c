/* The instruction sets of the processor. Compiled for any x86-64, since it decides whether the kernel may run.
 *
 * CPUID is asked here: what `__builtin_cpu_supports` answers depends on the compiler's runtime library, which some
 * toolchains leave out. Bits: Intel's Software Developer's Manual, volume 2, CPUID. */
#define _DEFAULT_SOURCE
#include "kernel.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REQUEST_PERMISSION 0x1023 /* arch_prctl(ARCH_REQ_XCOMP_PERM), Linux's Documentation/arch/x86/xstate.rst */
#define TILE_DATA 18              /* XFEATURE_XTILEDATA, the state component of AMX tiles */
#define ZMM_STATE 0xe6            /* XCR0: the system saves SSE, AVX, mask and all 512-bit registers */

#define FMA_AND_OSXSAVE (1u << 12 | 1u << 27)                         /* leaf 1, ecx */
#define AVX512_F_DQ_BW_VL (1u << 16 | 1u << 17 | 1u << 30 | 1u << 31) /* leaf 7, ebx */
#define AVX512_VNNI (1u << 11)                                        /* leaf 7, ecx */
#define AMX_BF16_TILE_INT8 (1u << 22 | 1u << 24 | 1u << 25)           /* leaf 7, edx */
#define AVX512_BF16 (1u << 5)                                         /* leaf 7, subleaf 1, eax */

static int has(unsigned bits, unsigned wanted) { return (bits & wanted) == wanted; }

static int system_saves_zmm(void) {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return has(low, ZMM_STATE);
}

int ken_abilities(void) {
    unsigned a, b, c, d, more, unused;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, FMA_AND_OSXSAVE) || !system_saves_zmm()) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !has(b, AVX512_F_DQ_BW_VL) || !has(c, AVX512_VNNI)) return 0;
    if (a < 1 || !__get_cpuid_count(7, 1, &more, &unused, &unused, &unused) || !has(more, AVX512_BF16)) return 0;
    int tiles = has(d, AMX_BF16_TILE_INT8) && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
    return 1 | tiles << 1;
}
