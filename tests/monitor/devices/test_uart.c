/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The serial port against the PC16550D data sheet, and against what drivers do with it.
 */
#include <criterion/criterion.h>

#include "monitor-core/devices/uart.h"
#include "tests/monitor/devices/fake.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR };

static struct fake fake;
static struct uart uart;
static uint8_t output[16384];
static unsigned noutput;

static void put(void *context, uint8_t byte)
{
    cr_assert_eq(context, &fake);
    output[noutput++ % sizeof output] = byte;
}

static void setup(void)
{
    fake_init(&fake, 0);
    noutput = 0;
    fake.host.put = put;
    uart_init(&uart, &fake.host);
}

TestSuite(uart, .init = setup);

static uint64_t in(unsigned offset)
{
    return uart_read(&uart, offset, 1);
}

static void out(unsigned offset, uint8_t value)
{
    uart_write(&uart, offset, 1, value);
}

static unsigned edges(void)
{
    return fake.edges[4];
}

Test(uart, after_reset)
{
    cr_assert_eq(in(IER), 0);
    cr_assert_eq(in(IIR), 0x01);
    cr_assert_eq(in(LCR), 0);
    cr_assert_eq(in(MCR), 0);
    cr_assert_eq(in(LSR), 0x60);
    cr_assert_eq(in(MSR), 0xb0);
    cr_assert_eq(edges(), 0);
}

/* What Linux's 8250 driver asks before it believes in a 16550A. */
Test(uart, is_taken_for_a_16550a)
{
    out(IER, 0);
    cr_assert_eq(in(IER)&0x0f, 0);
    out(IER, 0x0f);
    cr_assert_eq(in(IER), 0x0f);
    out(IER, 0xff);
    cr_assert_eq(in(IER), 0x0f, "bits 4-7 of the interrupt enables are always 0");
    out(IER, 0);
    out(MCR, 0x1a);
    cr_assert_eq(in(MSR), 0x90, "in loopback RTS arrives as CTS and OUT2 as carrier");
    out(MCR, 0x15);
    cr_assert_eq(in(MSR), 0x60, "in loopback DTR arrives as DSR and OUT1 as ring");
    out(MCR, 0);
    out(LCR, 0xbf);
    out(FCR, 0);
    out(LCR, 0);
    cr_assert_eq(in(IIR), 0x01);
    out(FCR, 0x01);
    cr_assert_eq(in(IIR), 0xc1);
    out(FCR, 0x21);
    cr_assert_eq(in(IIR), 0xc1, "a 16750 would show its larger FIFO in bit 5");
}

Test(uart, divisor_and_scratch)
{
    out(LCR, 0x83);
    out(0, 0x0c);
    out(1, 0x34);
    cr_assert_eq(in(0), 0x0c);
    cr_assert_eq(in(1), 0x34);
    out(LCR, 0x03);
    cr_assert_eq(in(LCR), 0x03);
    cr_assert_eq(in(IER), 0, "the divisor is not the interrupt enables");
    cr_assert_eq(noutput, 0);
    out(SCR, 0xa5);
    cr_assert_eq(in(SCR), 0xa5);
}

/* The driver tests for both of these bugs of real chips and would go on with a timer. */
Test(uart, enabling_the_transmitters_interrupt_raises_it)
{
    out(IER, 2);
    cr_assert_eq(edges(), 1);
    cr_assert_eq(in(IIR), 0x02);
    cr_assert_eq(in(IIR), 0x01, "reading it takes note of it");
    out(IER, 0);
    out(IER, 2);
    cr_assert_eq(edges(), 2);
    cr_assert_eq(in(IIR), 0x02);
}

Test(uart, each_byte_out_raises_it_again)
{
    out(IER, 2);
    in(IIR);
    out(DATA, 'x');
    cr_assert_eq(edges(), 2);
    out(DATA, 'y');
    cr_assert_eq(edges(), 2, "the line is high already");
    cr_assert_eq(in(IIR), 0x02);
    cr_assert_eq(in(IIR), 0x01);
    cr_assert_eq(noutput, 2);
    cr_assert_eq(output[0], 'x');
    cr_assert_eq(output[1], 'y');
    out(IER, 0);
    out(DATA, 'z');
    cr_assert_eq(edges(), 2, "not enabled");
    cr_assert_eq(in(IIR), 0x01);
}

/* A handler that loops until there is nothing more comes to an end, however much there is to send; what it wrote last
 * brings the next interrupt. */
Test(uart, a_handler_that_loops_ends)
{
    unsigned served = 0;
    out(FCR, 1);
    out(IER, 2);
    for (unsigned call = 0; call < 100; call++) {
        unsigned rounds = 0;
        cr_assert_gt(edges(), served, "call %u", call);
        served = edges();
        for (; in(IIR) == 0xc2; rounds++) {
            for (unsigned i = 0; i < 16; i++)
                out(DATA, 'x');
            cr_assert_eq(in(LSR), 0x60);
            cr_assert_leq(rounds, 8);
        }
        cr_assert_eq(rounds, 8);
    }
    cr_assert_eq(noutput, 100 * 8 * 16);
    uart_feed(&uart, (const uint8_t *)"a", 1);
    out(IER, 3);
    cr_assert_eq(in(IIR), 0xc4, "input first");
    cr_assert_eq(in(DATA), 'a');
    cr_assert_eq(in(IIR), 0xc2);
    cr_assert_eq(in(IIR), 0xc1);
}

Test(uart, enabling_it_anew_shows_it_at_once)
{
    out(IER, 2);
    for (unsigned i = 0; i < 20; i++) {
        in(IIR);
        out(DATA, 'x');
    }
    out(IER, 0);
    cr_assert_eq(in(IIR), 0x01);
    for (unsigned i = 0; i < 8; i++) {
        out(IER, 0);
        out(IER, 2);
        cr_assert_eq(in(IIR), 0x02);
    }
    out(DATA, 'x');
    out(IER, 0);
    out(IER, 2);
    cr_assert_eq(in(IIR), 0x02);
}

Test(uart, a_driver_that_looks_once_per_interrupt_goes_on)
{
    unsigned served = 0, said = 0;
    out(IER, 2);
    while (served != edges() && said < 1000) {
        served++;
        if (in(IIR) == 0x02) {
            out(DATA, 'x');
            said++;
        }
    }
    cr_assert_eq(said, 1000);
}

Test(uart, input)
{
    uart_feed(&uart, (const uint8_t *)"ab", 2);
    cr_assert_eq(edges(), 0);
    cr_assert_eq(in(LSR), 0x61);
    out(IER, 1);
    cr_assert_eq(edges(), 1);
    cr_assert_eq(in(IIR), 0x04);
    cr_assert_eq(in(DATA), 'a');
    cr_assert_eq(in(IIR), 0x04, "there is more");
    cr_assert_eq(in(DATA), 'b');
    cr_assert_eq(in(LSR), 0x60);
    cr_assert_eq(in(IIR), 0x01);
    cr_assert_eq(edges(), 1);
    uart_feed(&uart, (const uint8_t *)"c", 1);
    cr_assert_eq(edges(), 2);
}

Test(uart, a_second_cause_gives_an_edge_of_its_own)
{
    out(IER, 3);
    cr_assert_eq(edges(), 1);
    uart_feed(&uart, (const uint8_t *)"a", 1);
    cr_assert_eq(edges(), 1, "the line is high already");
    cr_assert_eq(in(IIR), 0x04, "input comes before output");
    cr_assert_eq(in(DATA), 'a');
    cr_assert_eq(edges(), 2, "the transmitter still waits");
    uart_feed(&uart, (const uint8_t *)"b", 1);
    cr_assert_eq(in(DATA), 'b');
    cr_assert_eq(in(IIR), 0x02);
    cr_assert_eq(in(IIR), 0x01);
}

Test(uart, what_finds_no_room_is_lost)
{
    uint8_t bytes[262];
    for (unsigned i = 0; i < 262; i++)
        bytes[i] = (uint8_t)(3 * i + 1);
    uart_feed(&uart, bytes, 262);
    for (unsigned i = 0; i < 256; i++)
        cr_assert_eq(in(DATA), (3 * i + 1) % 256);
    cr_assert_eq(in(DATA), 0);
    cr_assert_eq(in(LSR), 0x60);
}

Test(uart, fifo_control_clears_input)
{
    out(FCR, 1);
    uart_feed(&uart, (const uint8_t *)"abc", 3);
    out(FCR, 5);
    cr_assert_eq(in(LSR), 0x61, "bit 2 clears output only");
    out(FCR, 3);
    cr_assert_eq(in(LSR), 0x60);
    uart_feed(&uart, (const uint8_t *)"d", 1);
    out(FCR, 0);
    cr_assert_eq(in(LSR), 0x60, "switching the FIFOs clears them");
}

Test(uart, loopback)
{
    out(MCR, 0x10);
    uart_feed(&uart, (const uint8_t *)"n", 1);
    cr_assert_eq(in(LSR), 0x60, "the line is cut off");
    out(DATA, 'q');
    cr_assert_eq(noutput, 0);
    cr_assert_eq(in(LSR), 0x61);
    cr_assert_eq(in(DATA), 'q');
}

Test(uart, a_wide_access_is_many_of_a_byte)
{
    out(SCR, 0x5a);
    out(LCR, 0x83);
    uart_write(&uart, 0, 2, 0x3412);
    cr_assert_eq(in(0), 0x12);
    cr_assert_eq(in(1), 0x34);
    cr_assert_eq(uart_read(&uart, 0, 4), 0x83013412);
    cr_assert_eq(uart_read(&uart, 4, 4), 0x5ab06000);
}

/* A driver that serves one cause per interrupt, behind a controller that remembers one edge: the weakest that works on
 * hardware with a pulse per cause. Everything fed must be read and everything to say be said. */
static void serve(unsigned *served, unsigned *said, unsigned *got, unsigned total)
{
    while (*served != edges()) {
        *served = edges();
        unsigned cause = in(IIR)&0x0f;
        if (cause == 2 && *said < total)
            out(DATA, (uint8_t)(*said)++);
        if (cause == 4) {
            cr_assert_eq(in(DATA), (uint8_t)*got, "input in order");
            (*got)++;
        }
    }
}

Test(uart, no_edge_is_lost)
{
    enum { TOTAL = 2000 };
    unsigned served = 0, said = 0, got = 0, fed = 0, seed = 7;
    out(FCR, 1);
    out(IER, 3);
    while (fed < TOTAL) {
        seed = seed * 1103515245 + 12345;
        uint8_t byte = (uint8_t)fed;
        uart_feed(&uart, &byte, 1);
        fed++;
        /* The driver reads one byte per edge: what remains in the FIFO gives no new edge on hardware either, so input
         * comes one byte at a time, at any point of the driver's work. */
        if (seed >> 16 & 1)
            out(IER, 1), out(IER, 3);
        serve(&served, &said, &got, TOTAL);
    }
    cr_assert_eq(got, TOTAL);
    cr_assert_eq(said, TOTAL);
    cr_assert_eq(noutput, TOTAL);
    for (unsigned i = 0; i < TOTAL; i++)
        cr_assert_eq(output[i], (uint8_t)i);
}
