"""Loops over the entries of matrices that numba compiles: dyadic boxes row by row, while the rows are in the cache.

Only `faa_core.geometry.compiled` imports this room, and only when there is enough to do: the import takes half a
second, and compiling a kernel for the first time on a machine one to three more.

Two rows of a level make one row of the next. The kernels walk down a matrix two rows at a time and carry like a binary
counter: after rows 2i and 2i + 1 a row of level 1 is done, after every second of those a row of level 2, and so on.
Two rows of each level are all that is kept, so a matrix is read once and nothing but results is written.

Left and right margins without weight are found and skipped: of causal attention that is one half.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

ORDERS = 5
"""Powers of `sums_of`: 1/2, 1 (as x ln x), 2, 3, 5."""

_exact = njit(cache=True, nogil=True, error_model="numpy")
# Free to add in any order, which is what lets a sum run in parallel lanes; no value is NaN or infinite there.
_fast = njit(cache=True, nogil=True, error_model="numpy", fastmath=True)

_int = np.int32
_float = np.float32
_MANTISSA = np.int32(23)
_ZERO = np.int32(0)
_MARGIN = 128  # entries that are skipped or taken together
_ROOT_HALF = np.int32(0x3F3504F3)  # bits of the float32 next to 1 / sqrt 2
_LN2 = 0.6931471805599453


@intrinsic
def _bits(_context, _x):  # type: ignore[no-untyped-def]
    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def _from_bits(_context, _x):  # type: ignore[no-untyped-def]
    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


# --- pyramids -----------------------------------------------------------------------------------------------------


@_exact
def halve_max(below, above):  # type: ignore[no-untyped-def]
    """Fill ``above`` [heads, ceil(n/2), ceil(m/2)] with the largest of every 2 x 2 box of ``below``; NaN spreads."""
    heads, n, m = below.shape
    for h in range(heads):
        for i in range(n // 2):
            a, b, out = below[h, 2 * i], below[h, 2 * i + 1], above[h, i]
            for j in range(m // 2):
                p, q, r, s = a[2 * j], b[2 * j], a[2 * j + 1], b[2 * j + 1]
                u = p if (p > q) | (p != p) else q
                v = r if (r > s) | (r != r) else s
                out[j] = u if (u > v) | (u != u) else v
            if m % 2:
                u, v = a[m - 1], b[m - 1]
                out[m // 2] = u if (u > v) | (u != u) else v
        if n % 2:
            a, out = below[h, n - 1], above[h, n // 2]
            for j in range(m // 2):
                u, v = a[2 * j], a[2 * j + 1]
                out[j] = u if (u > v) | (u != u) else v
            if m % 2:
                out[m // 2] = a[m - 1]


@_exact
def halve_mass(below, above):  # type: ignore[no-untyped-def]
    """Fill ``above`` with the sum of every 2 x 2 box of ``below``: rows first, then columns, as `pyramid.halve`."""
    heads, n, m = below.shape
    for h in range(heads):
        for i in range(n // 2):
            a, b, out = below[h, 2 * i], below[h, 2 * i + 1], above[h, i]
            for j in range(m // 2):
                out[j] = (a[2 * j] + b[2 * j]) + (a[2 * j + 1] + b[2 * j + 1])
            if m % 2:
                out[m // 2] = a[m - 1] + b[m - 1]
        if n % 2:
            a, out = below[h, n - 1], above[h, n // 2]
            for j in range(m // 2):
                out[j] = a[2 * j] + a[2 * j + 1]
            if m % 2:
                out[m // 2] = a[m - 1]


# --- two rows of a level ------------------------------------------------------------------------------------------
# Loops run over whole arrays, from 0: a loop from an index that may be negative is not put into parallel lanes.


@_exact
def _any(a, b):  # type: ignore[no-untyped-def]
    """Whether there is weight in two rows."""
    weight = _ZERO
    for j in range(a.size):
        weight = _int(weight | _int(_int(a[j] != 0) | _int(b[j] != 0)))
    return weight != 0


@_exact
def _extent(a, b):  # type: ignore[no-untyped-def]
    """First and one past the last column, in steps of `_MARGIN`, in which a row has weight."""
    m = a.size
    stop = m
    while stop > 0:
        start = (stop - 1) // _MARGIN * _MARGIN
        if _any(a[start:stop], b[start:stop]):
            break
        stop = start
    first = 0
    while first < stop:
        if _any(a[first : first + _MARGIN], b[first : first + _MARGIN]):
            break
        first += _MARGIN
    return min(first, stop), stop


@_exact
def _largest_of(a, at, b, bt, first, stop, out):  # type: ignore[no-untyped-def]
    """Row of the next level: the largest of ``a`` times ``at`` and ``b`` times ``bt`` in pairs of columns."""
    m = a.size
    half = min(stop, m - m % 2) // 2
    out[: first // 2] = 0
    out[half:] = 0
    if m % 2 and stop == m:
        p, q = a[m - 1] * at, b[m - 1] * bt
        out[m // 2] = p if p > q else q
    a, b, out = a[first : 2 * half], b[first : 2 * half], out[first // 2 : half]
    for j in range(out.size):
        p, q, r, s = a[2 * j] * at, b[2 * j] * bt, a[2 * j + 1] * at, b[2 * j + 1] * bt
        u = p if p > q else q
        v = r if r > s else s
        out[j] = u if u > v else v


@_exact
def _tally(a, at, b, bt, grid, codes, table):  # type: ignore[no-untyped-def]
    """Count pairs of threshold codes, of ``a`` and of ``b``, of every column: half the counting of one by one."""
    low, high, top, radix = grid
    for j in range(a.size):
        p, q = _bits(a[j] * at), _bits(b[j] * bt)
        # Wrapped at every step, so that the compiler keeps to 32 bits and 8 lanes.
        u = _int(_int(_int(p + low) >> _MANTISSA) + _int(_int(p + high) >> _MANTISSA))
        v = _int(_int(_int(q + low) >> _MANTISSA) + _int(_int(q + high) >> _MANTISSA))
        u = u if u > _ZERO else _ZERO
        v = v if v > _ZERO else _ZERO
        u = u if u < top else top
        v = v if v < top else top
        codes[j] = _int(_int(u * radix) + v)
    # Unsigned, so that an index needs no test for counting from the end.
    for j in range(a.size):
        table[codes[j]] += 1


@_exact
def _above_one(a, b):  # type: ignore[no-untyped-def]
    """Entries of two rows that exceed 1."""
    count, one = _ZERO, _float(1)
    for j in range(a.size):
        count = _int(count + _int(_int(a[j] > one) + _int(b[j] > one)))
    return count


@_exact
def _marginal(table, radix, histogram):  # type: ignore[no-untyped-def]
    """Add the counts of single codes to ``histogram``. Pairs with a row that is not there count it as code 0."""
    for u in range(radix):
        for v in range(radix):
            histogram[u] += table[u * radix + v]
            histogram[v] += table[u * radix + v]


@_fast
def _powers_of_entries(x, sums):  # type: ignore[no-untyped-def]
    """Add the power sums of a float32 row, in float32 inside the row; ln by a minimax polynomial (Cephes ``logf``)."""
    half, one, two, three, five = _float(0), _float(0), _float(0), _float(0), _float(0)
    for j in range(x.size):
        p = x[j]
        bits = _bits(p)
        exponent = _int(_int(bits - _ROOT_HALF) >> _MANTISSA)
        m = _from_bits(_int(bits - _int(exponent << _MANTISSA))) - _float(1)
        y = _float(7.0376836292e-2)
        y = y * m + _float(-1.1514610310e-1)
        y = y * m + _float(1.1676998740e-1)
        y = y * m + _float(-1.2420140846e-1)
        y = y * m + _float(1.4249322787e-1)
        y = y * m + _float(-1.6668057665e-1)
        y = y * m + _float(2.0000714765e-1)
        y = y * m + _float(-2.4999993993e-1)
        y = y * m + _float(3.3333331174e-1)
        square = m * m
        ln = y * m * square - _float(0.5) * square + m + _float(exponent) * _float(_LN2)
        p2 = p * p
        p3 = p2 * p
        half += np.sqrt(p)
        one += p * ln
        two += p2
        three += p3
        five += p3 * p2
    sums[0] += half
    sums[1] += one
    sums[2] += two
    sums[3] += three
    sums[4] += five


@_fast
def _powers_of_masses(x, sums):  # type: ignore[no-untyped-def]
    """Add the power sums of a float64 row; ln by the series of artanh, to 1e-15."""
    half, one, two, three, five = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(x.size):
        p = x[j]
        exponent = _int(_int(_bits(_float(p)) - _ROOT_HALF) >> _MANTISSA)
        m = p * np.float64(_from_bits(_int(_int(127 << 23) - _int(exponent << _MANTISSA)))) - 1.0
        r = m / (m + 2.0)
        w = r * r
        y = 1 / 17
        y = y * w + 1 / 15
        y = y * w + 1 / 13
        y = y * w + 1 / 11
        y = y * w + 1 / 9
        y = y * w + 1 / 7
        y = y * w + 1 / 5
        y = y * w + 1 / 3
        y = y * w + 1
        p2 = p * p
        p3 = p2 * p
        half += np.sqrt(p)
        one += p * (2 * r * y + np.float64(exponent) * _LN2)
        two += p2
        three += p3
        five += p3 * p2
    sums[0] += half
    sums[1] += one
    sums[2] += two
    sums[3] += three
    sums[4] += five


@_exact
def _mass_of(a, b, first, stop, out):  # type: ignore[no-untyped-def]
    """Row of the next level in float64: the sum of two rows in pairs of columns."""
    m = a.size
    half = min(stop, m - m % 2) // 2
    out[: first // 2] = 0
    out[half:] = 0
    if m % 2 and stop == m:
        out[m // 2] = np.float64(a[m - 1]) + np.float64(b[m - 1])
    a, b, out = a[first : 2 * half], b[first : 2 * half], out[first // 2 : half]
    for j in range(out.size):
        out[j] = (np.float64(a[2 * j]) + np.float64(b[2 * j])) + (np.float64(a[2 * j + 1]) + np.float64(b[2 * j + 1]))


# --- matrices -----------------------------------------------------------------------------------------------------


@_exact
def counts_of(x, lengths, grid, levels, histogram):  # type: ignore[no-untyped-def]
    """Histograms of threshold codes of the largest lift in every box of every size.

    Args:
        x: float32 [heads, n, m], finite and non-negative.
        lengths: float32 [n]: factor that makes lift of the weights of a row.
        grid: int32 low, high, top and radix: what is added to the bits of a lift for the two half-octave steps, the
            largest code, and the number of codes.
        levels: Number of sizes.
        histogram: int64 [heads, levels, codes], zero; code 0 is not complete.
    """
    heads, n, m = x.shape
    radix = grid[3]
    codes = np.empty(m, np.uint32)
    nothing = np.zeros(m, np.float32)
    one = _float(1)
    kept = np.zeros((levels + 1, 2, (m + 1) // 2), np.float32)
    table = np.zeros((levels, radix * radix), np.uint32)
    for h in range(heads):
        table[:] = 0
        for i in range((n + 1) // 2):
            a = x[h, 2 * i]
            single = 2 * i + 1 == n
            b = nothing if single else x[h, 2 * i + 1]
            at, bt = lengths[2 * i], one if single else lengths[2 * i + 1]
            first, stop = _extent(a, b)
            _tally(a[first:stop], at, b[first:stop], bt, grid, codes, table[0])
            _largest_of(a, at, b, bt, first, stop, kept[1, i & 1, : (m + 1) // 2])
            _carry_counts(i, 1, levels, n, m, grid, codes, kept, table)
        for level in range(levels):
            _marginal(table[level], radix, histogram[h, level])


@_exact
def _carry_counts(row, level, levels, n, m, grid, codes, kept, table):  # type: ignore[no-untyped-def]
    """Count every row of a level that row ``row`` of ``level`` completes, and return the level that it does not."""
    one = _float(1)
    while level < levels and (row & 1 or row == ((n - 1) >> level)):
        width = ((m - 1) >> level) + 1
        a, b = kept[level, 0, :width], kept[level, 1, :width]
        if not row & 1:
            b[:] = 0
        first, stop = _extent(a, b)
        _tally(a[first:stop], one, b[first:stop], one, grid, codes, table[level])
        row >>= 1
        _largest_of(a, one, b, one, first, stop, kept[level + 1, row & 1, : (width + 1) // 2])
        level += 1
    return row, level


@_exact
def sums_of(x, levels, sums):  # type: ignore[no-untyped-def]
    """Power sums of the masses of the boxes of every size.

    Args:
        x: float32 [heads, n, m], finite and non-negative.
        levels: Number of sizes.
        sums: float64 [heads, levels, ORDERS], zero: sums of sqrt x, x ln x, x^2, x^3, x^5.
    """
    heads, n, m = x.shape
    nothing = np.zeros(m, np.float32)
    kept = np.zeros((levels + 1, 2, (m + 1) // 2), np.float64)
    for h in range(heads):
        for i in range((n + 1) // 2):
            a = x[h, 2 * i]
            b = nothing if 2 * i + 1 == n else x[h, 2 * i + 1]
            first, stop = _extent(a, b)
            _add_sums(i, a, b, first, stop, levels, n, kept, sums[h])


@_exact
def _add_sums(row, a, b, first, stop, levels, n, kept, sums):  # type: ignore[no-untyped-def]
    """Add the power sums of two rows of the matrix, and of every row of boxes that they complete."""
    m = a.size
    _powers_of_entries(a[first:stop], sums[0])
    _powers_of_entries(b[first:stop], sums[0])
    _mass_of(a, b, first, stop, kept[1, row & 1, : (m + 1) // 2])
    level = 1
    while level < levels and (row & 1 or row == ((n - 1) >> level)):
        width = ((m - 1) >> level) + 1
        c, d = kept[level, 0, :width], kept[level, 1, :width]
        if not row & 1:
            d[:] = 0
        first, stop = _extent(c, d)
        _powers_of_masses(c[first:stop], sums[level])
        _powers_of_masses(d[first:stop], sums[level])
        row >>= 1
        _mass_of(c, d, first, stop, kept[level + 1, row & 1, : (width + 1) // 2])
        level += 1


@_exact
def scan_of(x, lengths, grid, levels, histogram, sums):  # type: ignore[no-untyped-def]
    """What `counts_of` and `sums_of` tell, from one reading of ``x``."""
    heads, n, m = x.shape
    radix = grid[3]
    codes = np.empty(m, np.uint32)
    nothing = np.zeros(m, np.float32)
    one = _float(1)
    largest = np.zeros((levels + 1, 2, (m + 1) // 2), np.float32)
    masses = np.zeros((levels + 1, 2, (m + 1) // 2), np.float64)
    table = np.zeros((levels, radix * radix), np.uint32)
    for h in range(heads):
        table[:] = 0
        for i in range((n + 1) // 2):
            a = x[h, 2 * i]
            single = 2 * i + 1 == n
            b = nothing if single else x[h, 2 * i + 1]
            at, bt = lengths[2 * i], one if single else lengths[2 * i + 1]
            first, stop = _extent(a, b)
            _tally(a[first:stop], at, b[first:stop], bt, grid, codes, table[0])
            _largest_of(a, at, b, bt, first, stop, largest[1, i & 1, : (m + 1) // 2])
            _carry_counts(i, 1, levels, n, m, grid, codes, largest, table)
            _add_sums(i, a, b, first, stop, levels, n, masses, sums[h])
        for level in range(levels):
            _marginal(table[level], radix, histogram[h, level])


@_exact
def count_block(x, grid, depth, histogram, cells, top):  # type: ignore[no-untyped-def]
    """Box counts of a block, up to boxes of side 2^depth.

    Args:
        x: float32 [heads, rows, columns]: lift.
        grid: As for `counts_of`.
        depth: The highest level, 1 or more.
        histogram: int64 [heads, depth + 1, codes]: added to at levels 1 to ``depth``.
        cells: int64 [heads]: the entries with lift above 1 are added.
        top: uint8 [heads, ceil(rows / 2^depth), ceil(columns / 2^depth)]: filled with the codes of level ``depth``.
    """
    heads, n, m = x.shape
    radix = grid[3]
    width = ((m - 1) >> depth) + 1
    codes = np.empty((m + 1) // 2, np.uint32)
    nothing = np.zeros(width, np.float32)
    one = _float(1)
    kept = np.zeros((depth + 1, 2, (m + 1) // 2), np.float32)
    table = np.zeros((depth + 1, radix * radix), np.uint32)
    empty = np.zeros(m, np.float32)
    for h in range(heads):
        table[:] = 0
        above = 0
        for i in range((n + 1) // 2):
            a = x[h, 2 * i]
            b = empty if 2 * i + 1 == n else x[h, 2 * i + 1]
            first, stop = _extent(a, b)
            above += _above_one(a[first:stop], b[first:stop])
            _largest_of(a, one, b, one, first, stop, kept[1, i & 1, : (m + 1) // 2])
            row, level = _carry_counts(i, 1, depth, n, m, grid, codes, kept, table)
            if level == depth:
                _tally(kept[depth, row & 1, :width], one, nothing, one, grid, codes, table[depth])
                for j in range(width):
                    top[h, row, j] = codes[j] // radix
        cells[h] += above
        for level in range(1, depth + 1):
            _marginal(table[level], radix, histogram[h, level])
