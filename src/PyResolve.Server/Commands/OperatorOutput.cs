using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace PyResolve.Server.Commands;

/// <summary>A command's answer: text for people, or one JSON object.</summary>
internal sealed class OperatorOutput(bool isJson)
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;

    public bool IsJson => isJson;

    public static Option<bool> JsonOption() => new("--json")
    {
        Description = "Answer with one JSON object",
        Arity = ArgumentArity.Zero,
    };

    /// <summary>What a person needs to know besides the answer, on standard error.</summary>
    public static Task NoteAsync(string note) => Console.Error.WriteLineAsync(note);

    public static async Task<int> SayAsync(string text)
    {
        await Console.Out.WriteLineAsync(text);
        return Done;
    }

    public static async Task<int> WriteAsync(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        await using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return await SayAsync(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    public static Task<int> FailAsync(string message) => EndAsync(message, Failed);

    public static Task<int> RefuseAsync(string message) => EndAsync(message, WrongUsage);

    private static async Task<int> EndAsync(string message, int exitCode)
    {
        await Console.Error.WriteLineAsync(message);
        return exitCode;
    }
}

internal static class JsonInstants
{
    public static void WriteInstant(this Utf8JsonWriter writer, string name, DateTimeOffset? instant)
    {
        if (instant is { } value)
            writer.WriteString(name, value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
        else
            writer.WriteNull(name);
    }
}
