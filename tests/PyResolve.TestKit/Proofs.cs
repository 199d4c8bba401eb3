using System.Text;
using Xunit;

namespace PyResolve.TestKit;

/// <summary>What the proofs measured. <c>./soak</c> collects it into <c>docs/proofs.md</c>.</summary>
public static class Proofs
{
    private static readonly Lock Gate = new();

    /// <summary>Writes a figure to the test's output and, when <c>PYRESOLVE_PROOFS</c> names a file, to that file.</summary>
    /// <param name="suite">The heading above the line.</param>
    /// <param name="line">One sentence with its figures, in Markdown, without a line break.</param>
    public static void Report(string suite, string line)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(suite);
        ArgumentException.ThrowIfNullOrWhiteSpace(line);
        ThrowUnlessOneLine(suite, nameof(suite));
        ThrowUnlessOneLine(line, nameof(line));

        TestContext.Current.TestOutputHelper?.WriteLine($"{suite}: {line}");
        if (Environment.GetEnvironmentVariable("PYRESOLVE_PROOFS") is { Length: > 0 } file)
            Append(file, $"{suite}\t{line}\n");
    }

    private static void ThrowUnlessOneLine(string text, string name)
    {
        if (text.AsSpan().ContainsAny("\t\r\n"))
            throw new ArgumentException("One line, without a tab.", name);
    }

    private static void Append(string file, string record)
    {
        lock (Gate)
        {
            using var stream = new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
            stream.Write(Encoding.UTF8.GetBytes(record));
        }
    }
}
