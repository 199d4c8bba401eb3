using System.Text;

namespace PyResolve.MSBuild;

/// <summary>What the task and its worker tell each other: one message a line, as words separated by tabs.</summary>
internal static class GateLine
{
    /// <summary>Ends the request. The worker begins; the end of its input tells it to stop.</summary>
    public const string Begin = "begin";

    /// <summary>A message of the worker: level, code, text.</summary>
    public const string Log = "log";

    /// <summary>The worker's last message: whether the build may go on, and what to say again while nothing changes.</summary>
    public const string End = "end";

    public static string Join(params string[] words)
    {
        var line = new StringBuilder();
        foreach (var word in words)
        {
            if (line.Length > 0)
                line.Append('\t');
            foreach (var c in word)
            {
                _ = c switch
                {
                    '\\' => line.Append(@"\\"),
                    '\t' => line.Append(@"\t"),
                    '\n' => line.Append(@"\n"),
                    '\r' => line.Append(@"\r"),
                    _ => line.Append(c),
                };
            }
        }
        return line.ToString();
    }

    public static string[] Split(string line)
    {
        var words = line.Split('\t');
        for (var i = 0; i < words.Length; i++)
            words[i] = Unescape(words[i]);
        return words;
    }

    private static string Unescape(string word)
    {
        if (word.IndexOf('\\') < 0)
            return word;
        var text = new StringBuilder();
        for (var i = 0; i < word.Length; i++)
        {
            if (word[i] != '\\' || i + 1 == word.Length)
            {
                text.Append(word[i]);
                continue;
            }
            i++;
            text.Append(word[i] switch { 't' => '\t', 'n' => '\n', 'r' => '\r', var c => c });
        }
        return text.ToString();
    }
}
