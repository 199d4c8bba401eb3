namespace PyResolve.Cli.Output;

/// <summary>The numbers are those of the ANSI escape sequences.</summary>
internal enum Colour
{
    Bold = 1,
    Dim = 2,
    Red = 31,
    Green = 32,
    Yellow = 33,
    Cyan = 36,
}
