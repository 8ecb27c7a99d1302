// SPDX-License-Identifier: BSD-2-Clause
// Balls on balls over a chequered floor, with mirrors and shadows.
#version 3.7;
global_settings { assumed_gamma 1.0 max_trace_level 5 }
camera { location <0, 6, -14> look_at <0, 1.2, 0> angle 40 }
light_source { <10, 18, -12> rgb 1 }
light_source { <-14, 10, -6> rgb 0.4 }
plane { y, 0 pigment { checker rgb 0.2, rgb 0.9 } finish { reflection 0.15 } }
#declare Balls = 0;
#macro Cluster(Centre, Radius, Depth)
    sphere { Centre, Radius
        pigment { rgb <0.3 + 0.1 * Depth, 0.5, 0.9 - 0.15 * Depth> }
        finish { reflection 0.25 specular 0.5 } }
    #if (Depth > 0)
        #local I = 0;
        #while (I < 9)
            #local Turn = 2 * pi * I / 9 + Depth;
            #local Way = <cos(Turn) * cos(I), 0.6 + 0.4 * sin(I), sin(Turn) * cos(I)>;
            Cluster(Centre + vnormalize(Way) * Radius * 1.5, Radius * 0.45, Depth - 1)
            #local I = I + 1;
        #end
    #end
#end
Cluster(<-2.6, 1.6, 0>, 1.4, 3)
Cluster(<2.8, 1.4, 1>, 1.2, 3)
Cluster(<0.2, 1.0, -3>, 0.8, 3)
