"""Longer samples of formats that are written as text, for `documents`."""

from __future__ import annotations

MAN = r"""'\" t
.\" A page of the harbour's.
.ie \n(.g .ds Aq \(aq
.el .ds Aq '
.TH TIDE 1 2024-05-01 "Harbour 2"
.SH NAME
tide \- print the height of the water
.SH SYNOPSIS
.B tide
.RI [ "hours ..." ]
.SH OPTIONS
.TP
.BR \-a ", " \-\-all
Print every quay\*(Aqs height.
.IP \(bu 2
Boats moor.
.SS Table
.TS
l l.
quay	metres
east	T{
three
meters
T}
.TE
.nf
tide \-a > low.txt
  sort low.txt
.fi
"""
MDOC = r""".Dd May 1, 2024
.Dt EBB 8
.Os
.Sh NAME
.Nm ebb
.Nd show the ebb
.Sh SYNOPSIS
.Nm
.Op Fl v Ns Ar level
.Sh DESCRIPTION
The
.Nm
utility reads
.Pa /etc/tides ,
see
.Xr tide 1 .
.Bl -tag -width Ds
.It Fl v Ar level
How much is said.
.El
.Bl -column "aa" "bb"
.It east Ta 3
.El
"""
SVG = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><title>Plan of the harbour</title>
<style>.a { fill: red }</style><desc>Where boats moor.</desc>
<text x="1" y="2">East<tspan font-weight="bold"> quay</tspan><tspan x="1" dy="1em">three metres</tspan></text>
<path d="M1 2L3 4" aria-label="Lighthouse"/>
</svg>"""
RUST = """//! Tides.
use std::f64;

/// One tide.
pub struct Tide { name: String }

impl Tide {
    pub fn height(&self, hour: f64) -> f64 { hour.sin() }
}

fn main() { println!("{}", Tide { name: "spring".into() }.height(3.0)); }
"""
C = """#include <math.h>

/* One tide. */
struct tide { double height; };

static double height(double hour)
{
\treturn sin(hour);
}

int main(void) { return (int)height(3); }
"""
