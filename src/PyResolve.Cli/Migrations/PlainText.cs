namespace PyResolve.Cli.Migrations;

/// <summary>Text of another program or of a file name, for a line of a terminal.</summary>
internal static class PlainText
{
    private const int Longest = 1000;

    /// <summary>Without control characters, which could move the cursor or colour what follows, and not endlessly long.</summary>
    public static string Of(string text) => Without(text.Length <= Longest ? text : text[..Longest], char.IsControl);

    /// <summary>Without control characters but tabs, as a line of a file that somebody else wrote.</summary>
    public static string Visible(string line) => Without(line, static c => char.IsControl(c) && c != '\t');

    private static string Without(string text, Func<char, bool> isHidden) =>
        text.Any(isHidden) ? new string([.. text.Select(c => isHidden(c) ? ' ' : c)]) : text;
}
