using System.Runtime.InteropServices;

namespace PydanticMigrator.Python;

internal enum TokenKind
{
    Name,
    Number,
    String,
    Operator,
}

/// <summary>A piece of Python: characters <paramref name="Start"/> up to, not including, <paramref name="End"/>.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Token(TokenKind Kind, int Start, int End, string Text)
{
    public bool Is(string text) => Kind is TokenKind.Name or TokenKind.Operator && Text == text;
}

/// <summary>A statement's line, however many lines of the file it spans: tokens <paramref name="First"/> up to, not including, <paramref name="End"/>.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LogicalLine(int First, int End, int Indent);

/// <summary>The file is not Python that this program can take apart; it is left alone.</summary>
internal sealed class PythonSyntaxException(string message) : Exception(message);
