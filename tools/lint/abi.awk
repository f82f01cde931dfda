# SPDX-License-Identifier: GPL-2.0-only
# The layout of nebula's structs and the values of its enumerators, out of what `readelf
# --debug-dump=info` prints of a file that includes all public headers. Used by rules_abi.sh.
#
#	struct nebula_mark size 32
#	struct nebula_mark owner at 0
#	enum nebula_preset NEBULA_PRODUCTION = 0

function value(line) {
	sub(/^[^:]*: /, "", line)
	# "(indirect string, offset: 0x1): name", "(strp) (offset: 0x1): name", "(data1) 5", "5"
	while (sub(/^\([^)]*\):? /, "", line))
		continue
	sub(/[ \t]*(\(.*\))?$/, "", line)
	return line
}

function flush_entry() {
	if (tag == "structure_type" || tag == "enumeration_type") {
		owner = name ~ /^nebula_/ ? (tag == "structure_type" ? "struct " : "enum ") name : ""
		if (owner != "" && tag == "structure_type" && size != "")
			print owner " size " size
	} else if (owner != "" && level == 2 && tag == "member") {
		print owner " " (name == "" ? "(unnamed)" : name) " at " (at == "" ? 0 : at)
	} else if (owner != "" && level == 2 && tag == "enumerator") {
		print owner " " name " = " constant
	} else if (level == 1) {
		owner = ""
	}
	tag = name = size = at = constant = ""
}

/^ *<[0-9a-f]+><[0-9a-f]+>: Abbrev Number:/ {
	flush_entry()
	level = $1
	sub(/^</, "", level)
	sub(/>.*/, "", level)
	level += 0
	tag = $0
	if (!sub(/.*\(DW_TAG_/, "", tag))
		tag = ""
	sub(/\).*/, "", tag)
}
/DW_AT_name / { name = value($0) }
/DW_AT_byte_size / { size = value($0) }
/DW_AT_data_member_location/ { at = value($0) }
/DW_AT_const_value/ { constant = value($0) }
END { flush_entry() }
