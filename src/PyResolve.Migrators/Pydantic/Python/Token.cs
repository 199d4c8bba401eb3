using System.Runtime.InteropServices;

namespace PyResolve.Migrators.Pydantic.Python;

internal enum TokenKind
{
    Name,
    Number,
    String,
    Operator,
}

/// <summary>A token: the characters from <paramref name="Start"/> to <paramref name="End"/>, without the latter.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Token(TokenKind Kind, int Start, int End, string Text)
{
    public bool Is(string text) => Kind is TokenKind.Name or TokenKind.Operator && Text == text;
}

/// <summary>
/// A logical line, which may span several lines of the file: the tokens from <paramref name="First"/> to <paramref name="End"/>, without
/// the
/// latter.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LogicalLine(int First, int End, int Indent);

/// <summary>The file is not Python, or not Python that this program can parse; it is left alone.</summary>
internal sealed class PythonSyntaxException(string message) : Exception(message);
