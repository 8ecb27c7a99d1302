// SPDX-License-Identifier: BSD-2-Clause
// A ring of small processors that exchange words: registers, memories, adders, and traffic between them.
module node(input clock, input reset, input [31:0] in, output reg [31:0] out);
    parameter ID = 0;
    reg [31:0] memory [0:1023];
    reg [31:0] r0, r1, r2;
    reg [9:0] at;
    integer i;
    initial for (i = 0; i < 1024; i = i + 1) memory[i] = i * 32'd2654435761 + ID;
    always @(posedge clock) begin
        if (reset) begin
            r0 <= ID; r1 <= 1; r2 <= 0; at <= ID * 7; out <= 0;
        end else begin
            r0 <= memory[at];
            r1 <= r1 * 32'd1664525 + 32'd1013904223 + in;
            r2 <= (r0 ^ {r1[7:0], r1[31:8]}) + r2;
            memory[at ^ r1[21:12]] <= r2;
            at <= r1[31:22];
            out <= r2;
        end
    end
endmodule

module machine;
    parameter NODES = 64;
    reg clock = 0, reset = 1;
    wire [31:0] link [0:NODES];
    integer seed, cycle;
    genvar g;
    assign link[0] = link[NODES] ^ seed;
    generate
        for (g = 0; g < NODES; g = g + 1) begin : ring
            node #(.ID(g)) n(clock, reset, link[g], link[g + 1]);
        end
    endgenerate
    initial begin
        if (!$value$plusargs("seed=%d", seed)) seed = 1;
        for (cycle = 0; cycle < 2000; cycle = cycle + 1) begin
            #1 clock = 1;
            #1 clock = 0;
            if (cycle == 2) reset = 0;
        end
        $display("%h", link[NODES]);
        $finish;
    end
endmodule
