// SPDX-License-Identifier: BSD-2-Clause
// Smooth hills under a mirror ball, with shadows: all threads read one field of heights and normals.
#version 3.7;
global_settings { assumed_gamma 1.0 max_trace_level 4 }
camera { location <0.5, 0.5, -0.7> look_at <0.5, 0.05, 0.5> angle 60 }
light_source { <4, 6, -3> rgb 1 }
light_source { <-3, 2, -2> rgb 0.4 }
height_field {
    function 512, 512 { 0.5 + 0.25 * sin(40 * x) * cos(31 * y) + 0.2 * sin(90 * (x + y)) }
    smooth
    pigment { rgb <0.5, 0.7, 0.4> }
    finish { reflection 0.2 specular 0.4 }
    scale <1, 0.15, 1>
}
sphere { <0.5, 0.35, 0.5>, 0.15 pigment { rgb 0.9 } finish { reflection 0.7 } }
