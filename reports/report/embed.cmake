# SPDX-License-Identifier: BSD-2-Clause
# Makes a C file that holds the report page in two halves, before and after its data.
# cmake -DFOLDER=... -DCHART=chart.min.js -DOUT=... -P embed.cmake
# string(REPLACE) takes no brackets amiss, but a list would: nothing here is ever treated as a list.
file(READ ${FOLDER}/page.html page)
foreach(part page.css page.js charts.js table.js inputs.js paper.js sweep.js monitor.js)
  file(READ ${FOLDER}/${part} text)
  string(REPLACE "@${part}@" "${text}" page "${page}")
endforeach()
file(READ ${CHART} chart)
if(chart MATCHES "</script")
  message(FATAL_ERROR "${CHART} cannot stand in a script element: it holds an end tag")
endif()
string(REPLACE "@chart.js@" "${chart}" page "${page}")

string(FIND "${page}" "@data@" cut)
string(SUBSTRING "${page}" 0 ${cut} head)
math(EXPR after "${cut} + 6")
string(SUBSTRING "${page}" ${after} -1 tail)

file(WRITE ${OUT} "/* SPDX-License-Identifier: BSD-2-Clause */\n#include <stddef.h>\n\n"
  "extern const unsigned char report_head[], report_tail[];\n"
  "extern const size_t report_head_size, report_tail_size;\n\n")
foreach(half head tail)
  file(WRITE ${OUT}.${half} "${${half}}")
  file(READ ${OUT}.${half} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  file(APPEND ${OUT} "const unsigned char report_${half}[] = {${bytes}};\n"
    "const size_t report_${half}_size = sizeof report_${half};\n")
  file(REMOVE ${OUT}.${half})
endforeach()
