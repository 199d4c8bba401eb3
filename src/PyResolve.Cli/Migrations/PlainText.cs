namespace PyResolve.Cli.Migrations;

/// <summary>Text of another program or of a file name, for a line of a terminal.</summary>
internal static class PlainText
{
    private const int Longest = 1000;

    /// <summary>Without control characters but tabs, as a line of a file that somebody else wrote.</summary>
    public static string Visible(string line) =>
        line.Any(IsHidden) ? new string([.. line.Select(static c => IsHidden(c) ? ' ' : c)]) : line;

    /// <summary>Without control characters, which could move the cursor or colour what follows, and not endlessly long.</summary>
    public static string Of(string text)
    {
        var shown = text.Length <= Longest ? text : text[..Longest];
        return new string([.. shown.Select(static c => char.IsControl(c) ? ' ' : c)]);
    }

    private static bool IsHidden(char character) => char.IsControl(character) && character != '\t';
}
