# SPDX-License-Identifier: BSD-2-Clause
# Makes a C file that holds the machine presets. cmake -DFOLDER=... "-DNAMES=a;b" -DOUT=... -P machine_embed.cmake
set(arrays "")
set(table "")
set(names "")
foreach(name ${NAMES})
  string(MAKE_C_IDENTIFIER ${name} id)
  file(READ ${FOLDER}/${name}.ini hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const char ${id}[] = {${bytes}};\n")
  string(APPEND table "    {\"${name}\", ${id}, sizeof ${id}},\n")
  string(APPEND names "\"${name}\", ")
endforeach()
file(WRITE ${OUT} "/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>
#include \"datasets/machine_presets.h\"

${arrays}
const struct machine_preset machine_preset_table[] = {
${table}    {NULL, NULL, 0},
};
const char *const machine_preset_names[] = {${names}NULL};
")
