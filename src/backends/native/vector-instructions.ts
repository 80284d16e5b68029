/**
 * What the vectors of a width are made to do by instructions that compilers do not find by themselves. Each has plain C
 * beside it, for other compilers and for processors without them.
 */

/**
 * The instructions of x86 that vectors of a width need, for code that may be compiled for a processor without them: the
 * macro that says that they are there, and what gcc calls those that it does not find by itself.
 */
interface X86Set {
  readonly macro: string;
  readonly squareRoot: string;
  /** Of b and a. */
  readonly larger: string;
  readonly smaller: string;
  /** By the mask m; AVX-512 has masks of bits, and gcc an instruction for three operands. */
  readonly blend?: string;
  /** The first n lanes of memory at p, the others zero, and what stores the first n of x there. */
  readonly some?: { readonly load: string; readonly store: string };
  /** Bytes as whole numbers: gcc 12 puts them together one by one unless it is told the instruction. */
  readonly bytes?: string;
}
/** The mask of the first n of sixteen lanes. */
const firstBits = "(unsigned short)(n >= 16 ? 0xffff : n <= 0 ? 0 : (1 << n) - 1)";
const sixteenBytes = "(*(const b16u *)(p))";
const x86Set = (width: number): X86Set | undefined => {
  switch (width) {
    case 16:
      return {
        macro: "__AVX512F__",
        squareRoot: "__builtin_ia32_sqrtps512_mask(a, a, -1, 4)",
        larger: "__builtin_ia32_maxps512_mask(b, a, a, -1, 4)",
        smaller: "__builtin_ia32_minps512_mask(b, a, a, -1, 4)",
        some: {
          load: `(vf)__builtin_ia32_loadups512_mask(p, (vf){}, ${firstBits})`,
          store: `__builtin_ia32_storeups512_mask(p, x, ${firstBits})`,
        },
        bytes: `__builtin_ia32_pmovzxbd512_mask(${sixteenBytes}, (vi){}, (unsigned short)-1)`,
      };
    case 8:
      return {
        macro: "__AVX2__",
        squareRoot: "__builtin_ia32_sqrtps256(a)",
        larger: "__builtin_ia32_maxps256(b, a)",
        smaller: "__builtin_ia32_minps256(b, a)",
        blend: "((vf)__builtin_ia32_blendvps256((vf)(b), (vf)(a), (vf)(m)))",
        some: {
          load: "(vf)__builtin_ia32_maskloadps256((const vf *)p, LANES < ISPLAT((int32_t)n))",
          store: "__builtin_ia32_maskstoreps256((vf *)p, LANES < ISPLAT((int32_t)n), x)",
        },
        bytes: `__builtin_ia32_pmovzxbd256(${sixteenBytes})`,
      };
    case 4:
      return {
        macro: "__SSE2__",
        squareRoot: "__builtin_ia32_sqrtps(a)",
        larger: "__builtin_ia32_maxps(b, a)",
        smaller: "__builtin_ia32_minps(b, a)",
      };
    default:
      return undefined;
  }
};
const gccWith = (width: number) =>
  `defined(${x86Set(width)?.macro}) && defined(__GNUC__) && !defined(__clang__)`;

/** Holds a value in a register, where there are registers of its size. */
export function keepOf(width: number): string {
  const x86 = x86Set(width);
  const choices = [
    ...(x86 ? [[x86.macro, width === 16 ? "v" : "x"]] : []),
    ...(width === 4 ? [["__aarch64__", "w"]] : []),
  ];
  const lines = choices.map(
    ([macro, register], i) =>
      `#${i === 0 ? "if" : "elif"} defined(${macro})\n#define KEEP(x) __asm__("" : "+${register}"(x))\n`,
  );
  if (lines.length === 0) return "#define KEEP(x) (void)0\n";
  return `${lines.join("")}#else\n#define KEEP(x) (void)0\n#endif\n`;
}

export function loadBytesOf(width: number): string {
  const plain = "#define LDB(p) __builtin_convertvector((vb)*(const vbu *)(p), vi)\n";
  const builtin = x86Set(width)?.bytes;
  if (!builtin) return plain;
  return `#if ${gccWith(width)}
typedef char b16u __attribute__((vector_size(16), aligned(1), may_alias));
#define LDB(p) ((vi)${builtin})
#else
${plain}#endif
`;
}

/** Lanes of one of two vectors: one instruction where masks are as wide as floats. */
export function selectOf(width: number): string {
  const plain = "((vf)(((m) & (vi)(a)) | (~(m) & (vi)(b))))";
  const define = (body: string) => `#define SELECT(m, a, b) ${body}\n`;
  const blend = x86Set(width)?.blend;
  if (!blend) return define(plain);
  return `#if ${gccWith(width)}\n${define(blend)}#else\n${define(plain)}#endif\n`;
}

/**
 * The larger and the smaller of two, or what is no number if one of them is: x86's instructions give the second where one
 * is no number, and of a constant the rest is known to be idle.
 */
export function limitsOf(width: number): string {
  const limit = (name: string, sign: string, builtin: string | undefined) => {
    const head = `INLINE vf v${name}(vf a, vf b)`;
    const plain = `${head} { vi m = (a ${sign} b) | (a != a); return SELECT(m, a, b); }\n`;
    if (!builtin) return plain;
    const quick = `${head} { vf r = ${builtin}; vi m = b != b; return (vf)((m & (vi)b) | (~m & (vi)r)); }\n`;
    return `#if ${gccWith(width)}\n${quick}#else\n${plain}#endif\n`;
  };
  const set = x86Set(width);
  return limit("max", ">", set?.larger) + limit("min", "<", set?.smaller);
}

/** One instruction where the compiler has a name for it; a loop it can vectorise elsewhere. */
export function sqrtOf(width: number): string {
  const loop = `vf r; for (int i = 0; i < ${width}; i++) r[i] = __builtin_sqrtf(a[i]); return r;`;
  const builtin = x86Set(width)?.squareRoot;
  if (!builtin) return loop;
  return `\n#if ${gccWith(width)}\n  return (vf)${builtin};\n#else\n  ${loop}\n#endif\n`;
}

/** The first n lanes; the others are zero, and stay as they are in memory. */
export function someOf(width: number): string {
  const define = (load: string, store: string) =>
    `INLINE vf load_some(const float *p, long n) { ${load} }\nINLINE void store_some(float *p, vf x, long n) { ${store} }\n`;
  const each = `for (long i = 0; i < n && i < ${width}; i++)`;
  const plain = define(`vf x = {}; ${each} x[i] = p[i]; return x;`, `${each} p[i] = x[i];`);
  const some = x86Set(width)?.some;
  if (!some) return plain;
  return `#if ${gccWith(width)}\n${define(`return ${some.load};`, `${some.store};`)}#else\n${plain}#endif\n`;
}
