/* SPDX-License-Identifier: Apache-2.0
 * The emulation behind amx_traps.h: instruction formats from Intel's Software Developer's Manual, volume 2 (VEX prefix,
 * ModRM, SIB; LDTILECFG, TILERELEASE, TILEZERO, TILELOADD, TILESTORED, TDPBSSD, TDPBF16PS). The operations on tiles are
 * those of amx_tiles.h.
 * Includes: amx_tiles.h. Called by: test_amx.c. */
#define TB_AMX_SHIM
#include "kernels/x86/amx_tiles.h"

#include "amx_traps.h"

#include <signal.h>
#include <ucontext.h>

enum { PREFIX_NONE, PREFIX_66, PREFIX_F3, PREFIX_F2 };
enum { OP_CONFIG = 0x49, OP_MEMORY = 0x4b, OP_BF16 = 0x5c, OP_INT8 = 0x5e };

static struct {
    tiles tiles;
    bool configured;
    size_t count;
    const char *error;
} cpu;

/* One instruction: C4, two more prefix bytes, the opcode, ModRM. */
typedef struct instruction {
    int prefix, opcode, mod, reg, rm, third; /* registers with their fourth bit; third is VEX.vvvv */
    const uint8_t *base;                     /* of a memory operand */
    size_t stride;                           /* its index times its scale */
    const uint8_t *next;
} instruction;

static uint64_t general(const ucontext_t *context, int number)
{
    static const int place[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return (uint64_t)context->uc_mcontext.gregs[place[number]];
}

static int64_t displacement(const uint8_t *at, size_t bytes)
{
    int8_t small;
    int32_t large;
    memcpy(&small, at, sizeof small);
    if (bytes == 0)
        return 0;
    if (bytes == 1)
        return small;
    memcpy(&large, at, sizeof large);
    return large;
}

static bool decode(const ucontext_t *context, instruction *in)
{
    const uint8_t *code = (const uint8_t *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    if (code[0] != 0xc4 || (code[1] & 31) != 2 || (code[2] & 0x84) != 0) /* map 0F38, W = 0, 128 bits */
        return false;
    int r = (code[1] >> 7 & 1) ^ 1, x = (code[1] >> 6 & 1) ^ 1, b = (code[1] >> 5 & 1) ^ 1;
    in->prefix = code[2] & 3;
    in->third = (code[2] >> 3 & 15) ^ 15;
    in->opcode = code[3];
    in->mod = code[4] >> 6;
    in->reg = (code[4] >> 3 & 7) | r << 3;
    in->rm = (code[4] & 7) | b << 3;
    in->next = code + 5;
    in->base = NULL;
    in->stride = 0;
    if (in->mod == 3)
        return true;

    uint64_t address = 0;
    size_t disp_bytes = in->mod == 1 ? 1 : in->mod == 2 ? 4 : 0;
    if ((in->rm & 7) == 4) { /* SIB */
        int base = (in->next[0] & 7) | b << 3, index = (in->next[0] >> 3 & 7) | x << 3, scale = in->next[0] >> 6;
        in->next++;
        if (index != 4)
            in->stride = general(context, index) << scale;
        if ((base & 7) == 5 && in->mod == 0)
            disp_bytes = 4;
        else
            address = general(context, base);
    } else if ((in->rm & 7) == 5 && in->mod == 0) { /* relative to the next instruction */
        disp_bytes = 4;
        address = (uint64_t)(uintptr_t)(in->next + 4);
    } else {
        address = general(context, in->rm);
    }
    address += (uint64_t)displacement(in->next, disp_bytes);
    in->next += disp_bytes;
    in->base = (const uint8_t *)(uintptr_t)address;
    return true;
}

static void check(bool good, const char *what)
{
    if (!good && cpu.error == NULL)
        cpu.error = what;
}

static bool usable(int tile)
{
    return cpu.configured && tile < 8 && cpu.tiles.config.rows[tile] > 0;
}

static void load_config(const uint8_t *from)
{
    static const tile_config zeros;
    tile_config c;
    memcpy(&c, from, sizeof c);
    check(c.palette == 1, "palette is not 1");
    check(c.start_row == 0, "start row is not 0");
    check(memcmp(c.reserved, zeros.reserved, sizeof c.reserved) == 0, "reserved bytes of the configuration");
    for (size_t i = 0; i < 16; i++) {
        check(c.rows[i] <= (i < 8 ? 16 : 0) && c.line_bytes[i] <= (i < 8 ? 64 : 0), "tile too large");
        check((c.rows[i] == 0) == (c.line_bytes[i] == 0), "tile with rows or columns alone");
    }
    tiles_start(&cpu.tiles, &c);
    cpu.configured = true;
}

static void dot(const instruction *in, bool bf16)
{
    const tile_config *c = &cpu.tiles.config;
    int sums = in->reg, a = in->rm, b = in->third;
    check(usable(sums) && usable(a) && usable(b), "product of tiles without configuration");
    if (cpu.error != NULL)
        return;
    check(sums != a && sums != b && a != b, "product with a tile used twice");
    check(c->rows[sums] == c->rows[a], "rows of sums and of the first factor");
    check(c->line_bytes[sums] == c->line_bytes[b], "columns of sums and of the second factor");
    check(c->line_bytes[a] == 4 * c->rows[b], "columns of the first factor, rows of the second");
    if (cpu.error == NULL)
        (bf16 ? tile_dot_bf16 : tile_dot_s8)(&cpu.tiles, sums, a, b);
}

static bool execute(const instruction *in)
{
    bool memory = in->mod != 3;
    switch (in->opcode << 4 | in->prefix) {
    case OP_CONFIG << 4 | PREFIX_NONE:
        if (memory) {
            load_config(in->base + in->stride);
        } else {
            check(cpu.configured, "release without configuration");
            tiles_end(&cpu.tiles);
            cpu.configured = false;
        }
        return true;
    case OP_CONFIG << 4 | PREFIX_F2:
        check(usable(in->reg), "zero of a tile without configuration");
        if (cpu.error == NULL)
            tile_zero(&cpu.tiles, in->reg);
        return !memory;
    case OP_MEMORY << 4 | PREFIX_F2:
        check(usable(in->reg), "load of a tile without configuration");
        if (cpu.error == NULL)
            tile_load(&cpu.tiles, in->reg, in->base, in->stride);
        return memory;
    case OP_MEMORY << 4 | PREFIX_F3:
        check(usable(in->reg), "store of a tile without configuration");
        if (cpu.error == NULL)
            tile_store(&cpu.tiles, in->reg, (void *)(uintptr_t)in->base, in->stride);
        return memory;
    case OP_INT8 << 4 | PREFIX_F2:
        dot(in, false);
        return !memory;
    case OP_BF16 << 4 | PREFIX_F3:
        dot(in, true);
        return !memory;
    default:
        return false;
    }
}

static void trap(int number, siginfo_t *info, void *context)
{
    (void)info;
    instruction in;
    ucontext_t *machine = context;
    if (!decode(machine, &in) || !execute(&in)) { /* not ours: let it end the program */
        signal(number, SIG_DFL);
        return;
    }
    cpu.count++;
    machine->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)in.next;
}

bool amx_traps_install(void)
{
    struct sigaction action = {.sa_sigaction = trap, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    return sigaction(SIGILL, &action, NULL) == 0;
}

size_t amx_traps_count(void)
{
    return cpu.count;
}

bool amx_traps_configured(void)
{
    return cpu.configured;
}

const char *amx_traps_error(void)
{
    return cpu.error;
}
