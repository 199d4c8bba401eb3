using System.Text;

namespace PyResolve.Cli.Migrations;

/// <summary>The words of a command, split as a POSIX shell does, without variables, globs, pipes and the like.</summary>
internal static class CommandWords
{
    /// <summary>Within '…' every character is literal; within "…" a backslash escapes only " and \; outside, any character.</summary>
    /// <exception cref="FormatException">A quote is not closed, or the command ends in a backslash.</exception>
    public static IReadOnlyList<string> Split(string command)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var isInWord = false;
        for (var i = 0; i < command.Length; i++)
        {
            var c = command[i];
            if (char.IsWhiteSpace(c))
            {
                if (isInWord)
                    words.Add(word.ToString());
                word.Clear();
                isInWord = false;
                continue;
            }
            isInWord = true;
            switch (c)
            {
                case '\'':
                    var close = command.IndexOf('\'', i + 1);
                    if (close < 0)
                        throw new FormatException("a ' is not closed");
                    word.Append(command, i + 1, close - i - 1);
                    i = close;
                    break;
                case '"':
                    i = ReadDoubleQuoted(command, i + 1, word);
                    break;
                case '\\' when i + 1 == command.Length:
                    throw new FormatException("it ends in a backslash");
                case '\\':
                    word.Append(command[++i]);
                    break;
                default:
                    word.Append(c);
                    break;
            }
        }
        if (isInWord)
            words.Add(word.ToString());
        return words;
    }

    /// <summary>Replaces placeholders, in one pass over the word, so that a value that looks like one is not replaced again.</summary>
    public static string Fill(string word, (string Name, string Value)[] values)
    {
        var filled = new StringBuilder();
        for (var i = 0; i < word.Length;)
        {
            var (name, value) = Array.Find(values, v => word.AsSpan(i).StartsWith(v.Name, StringComparison.Ordinal));
            filled.Append(name is null ? word.AsSpan(i, 1) : value);
            i += name?.Length ?? 1;
        }
        return filled.ToString();
    }

    public static string Join(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    private static string Quote(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:=@%+,".Contains(c, StringComparison.Ordinal))
            ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static int ReadDoubleQuoted(string command, int start, StringBuilder word)
    {
        for (var i = start; i < command.Length; i++)
        {
            if (command[i] == '"')
                return i;
            if (command[i] == '\\' && i + 1 < command.Length && command[i + 1] is '"' or '\\')
                i++;
            word.Append(command[i]);
        }
        throw new FormatException("a \" is not closed");
    }
}
