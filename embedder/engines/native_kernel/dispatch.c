/* The kernel compiled for each instruction set. Compiled for the baseline of its family, since it decides which other
 * code may run. HAVE_… says which sets the compiler knew. */
#define _DEFAULT_SOURCE
#include "kernel.h"

#include <stddef.h>

#include "processor.h"

typedef int KernelRun(const Model *, float *, const int32_t *, int, int, int, float *);

#define COMPILED(name) extern KernelRun name
COMPILED(ken_run_scalar);
COMPILED(ken_run_sse41);
COMPILED(ken_run_avx2);
COMPILED(ken_run_avx_vnni);
COMPILED(ken_run_avx512);
COMPILED(ken_run_avx512_vnni);
COMPILED(ken_run_avx512_bf16);
COMPILED(ken_run_neon_dotprod);
COMPILED(ken_run_neon_i8mm);

static KernelRun *const RUN[INSTRUCTION_SETS] = {
    [SCALAR] = ken_run_scalar,
#ifdef HAVE_SSE41
    [SSE41] = ken_run_sse41,
#endif
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
