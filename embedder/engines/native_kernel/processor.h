/* The instruction sets, and which of them this processor has. Shared by all compiled code of ken; only code compiled for
 * the baseline of a family includes it, since it decides which other code may run. */
#ifndef KEN_PROCESSOR_H
#define KEN_PROCESSOR_H

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

/* The instruction sets, in the order of INSTRUCTIONS in ../instructions.py: of one family, the later the faster. */
enum {
    SCALAR,
    SSE41,
    AVX2,
    AVX_VNNI,
    AVX512,
    AVX512_VNNI,
    AVX512_BF16,
    AMX,
    NEON_DOTPROD,
    NEON_I8MM,
    INSTRUCTION_SETS
};

#if defined(__x86_64__)

#define REQUEST_PERMISSION 0x1023 /* arch_prctl(ARCH_REQ_XCOMP_PERM), Linux's Documentation/arch/x86/xstate.rst */
#define TILE_DATA 18              /* XFEATURE_XTILEDATA, the state component of AMX tiles */
#define BIT(n) (1u << (n))

/* The register states that the system saves: without one, its instructions fail. */
static unsigned enabled_states(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static int has(unsigned value, unsigned bits) { return (value & bits) == bits; }

/* Bits of CPUID: Intel 64 manual, volume 2A. */
static int processor(void) {
    unsigned a, b, c, d, basic, feature_b, feature_c, feature_d, more = 0;
    if (!__get_cpuid(1, &a, &b, &basic, &d) || !has(basic, BIT(9) | BIT(19))) return BIT(SCALAR); /* SSSE3, SSE4.1 */
    int found = BIT(SCALAR) | BIT(SSE41);
    if (!has(basic, BIT(27)) || !__get_cpuid_count(7, 0, &a, &feature_b, &feature_c, &feature_d)) return found; /* OSXSAVE */
    if (a >= 1) __get_cpuid_count(7, 1, &more, &b, &c, &d);
    unsigned states = enabled_states();
    if (!has(states, 6) || !has(basic, BIT(28) | BIT(12)) || !has(feature_b, BIT(5))) return found; /* AVX, FMA, AVX2 */
    found |= BIT(AVX2);
    if (has(more, BIT(4))) found |= BIT(AVX_VNNI);
    if (!has(states, 0xe6) || !has(feature_b, BIT(16) | BIT(17) | BIT(30) | BIT(31))) return found; /* F, DQ, BW, VL */
    found |= BIT(AVX512);
    if (!has(feature_c, BIT(11))) return found;
    found |= BIT(AVX512_VNNI);
    if (!has(more, BIT(5))) return found;
    found |= BIT(AVX512_BF16);
    if (has(feature_d, BIT(22) | BIT(24) | BIT(25)) &&
        syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0)
        found |= BIT(AMX);
    return found;
}

#elif defined(__aarch64__)

static int processor(void) { /* Linux's Documentation/arch/arm64/elf_hwcaps.rst */
    int found = 1 << SCALAR;
    if (getauxval(AT_HWCAP) & 1 << 20) found |= 1 << NEON_DOTPROD;
    if (getauxval(AT_HWCAP2) & 1 << 13) found |= 1 << NEON_I8MM;
    return found;
}

#else

static int processor(void) { return 1 << SCALAR; }

#endif

#endif
