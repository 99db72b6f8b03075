/* The instruction sets of the processor, and the kernel compiled for each. Compiled for the baseline of its family,
 * since it decides which other code may run. HAVE_… says which sets the compiler knew. */
#define _DEFAULT_SOURCE
#include "kernel.h"

#include <stddef.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

typedef int KernelRun(const Model *, float *, const int32_t *, int, int, int, float *);

#define COMPILED(name) extern KernelRun name
COMPILED(ken_run_scalar);
COMPILED(ken_run_avx2);
COMPILED(ken_run_avx_vnni);
COMPILED(ken_run_avx512);
COMPILED(ken_run_avx512_vnni);
COMPILED(ken_run_avx512_bf16);
COMPILED(ken_run_neon_dotprod);
COMPILED(ken_run_neon_i8mm);

static KernelRun *const RUN[INSTRUCTION_SETS] = {
    [SCALAR] = ken_run_scalar,
#ifdef HAVE_AVX2
    [AVX2] = ken_run_avx2,
#endif
#ifdef HAVE_AVX_VNNI
    [AVX_VNNI] = ken_run_avx_vnni,
#endif
#ifdef HAVE_AVX512
    [AVX512] = ken_run_avx512,
#endif
#ifdef HAVE_AVX512_VNNI
    [AVX512_VNNI] = ken_run_avx512_vnni,
#endif
#ifdef HAVE_AVX512_BF16
    [AVX512_BF16] = ken_run_avx512_bf16,
    [AMX] = ken_run_avx512_bf16,
#endif
#ifdef HAVE_NEON_DOTPROD
    [NEON_DOTPROD] = ken_run_neon_dotprod,
#endif
#ifdef HAVE_NEON_I8MM
    [NEON_I8MM] = ken_run_neon_i8mm,
#endif
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
    if (!__get_cpuid(1, &a, &b, &basic, &d) || !has(basic, BIT(27))) return BIT(SCALAR); /* OSXSAVE */
    if (!__get_cpuid_count(7, 0, &a, &feature_b, &feature_c, &feature_d)) return BIT(SCALAR);
    if (a >= 1) __get_cpuid_count(7, 1, &more, &b, &c, &d);
    unsigned states = enabled_states();
    int found = BIT(SCALAR);
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

int ken_instructions(void) {
    int found = processor();
    for (int set = 0; set < INSTRUCTION_SETS; set++)
        if (!RUN[set]) found &= ~(1 << set);
    return found;
}

int ken_run(const Model *model, float *x, const int32_t *start, int texts, int threads, int instructions,
            float *vectors) {
    return RUN[instructions](model, x, start, texts, threads, instructions == AMX, vectors);
}
