using System.Globalization;
using System.Text;
using System.Text.Json;
using PyResolve.Client.Wire;
using PyResolve.Testing.State;

namespace PyResolve.Testing.Contract;

/// <summary>A request to a route, with its caller. The server's lock is held.</summary>
internal sealed class Call(ServerState server, FakeRequest request, FakeCaller? caller, Guid id)
{
    private const int LargestBody = 1024 * 1024;
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public ServerState Server => server;

    public FakeRequest Request => request;

    public Guid Id => id;

    public FakeCaller Caller => caller ?? throw new InvalidOperationException("This route does not require a caller.");

    public AccountState Account => Caller.Account;

    public DateTimeOffset Now => server.Now;

    public string Actor => caller switch
    {
        null => "anyone",
        { Key: { } key } => $"key {key.Prefix}",
        _ => "session",
    };

    public string? Parameter(string name)
    {
        foreach (var part in request.Query.TrimStart('?').Split('&'))
        {
            if (part.Split('=', 2) is [var key, { Length: > 0 } value] && key == name)
                return Uri.UnescapeDataString(value.Replace('+', ' '));
        }

        return null;
    }

    public int Number(string name, int whenAbsent, int lowest, int highest)
    {
        if (Parameter(name) is not { } text)
            return whenAbsent;
        return int.TryParse(text, out var number) && number >= lowest && number <= highest
            ? number
            : throw new ProblemException(Problems.Invalid(name, ProblemTexts.NumberRange(lowest, highest)));
    }

    public string? Month()
    {
        var month = Parameter("month");
        return month is null || DateTime.TryParseExact(month, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.None, out _)
            ? month
            : throw new ProblemException(Problems.Invalid("month", ProblemTexts.NotAMonth));
    }

    /// <param name="whenEmpty">The value of an empty body; <see langword="null"/> where a body is required.</param>
    /// <param name="largest">In bytes.</param>
    public T Body<T>(T? whenEmpty = null, int largest = LargestBody)
        where T : class
    {
        if (whenEmpty is not null && request.Content.Length == 0)
            return whenEmpty;
        using var document = Document(largest, Strict);
        return Read<T>(document.RootElement);
    }

    public JsonDocument Document(int largest, JsonDocumentOptions options)
    {
        if (request.Header("Content-Type")?.Split(';')[0].Trim() is not { } type
            || !type.Equals("application/json", StringComparison.OrdinalIgnoreCase))
            throw new ProblemException(Problems.Create(415, ProblemCodes.UnsupportedMediaType, ProblemTexts.NotJson));
        if (request.Content.Length > largest)
            throw new ProblemException(Problems.Create(413, ProblemCodes.TooLarge, ProblemTexts.BodyTooLarge));
        try
        {
            _ = StrictUtf8.GetCharCount(request.Content);
            return JsonDocument.Parse(request.Content, options);
        }
        catch (DecoderFallbackException)
        {
            throw new ProblemException(Problems.Malformed(ProblemTexts.NotUtf8));
        }
        catch (JsonException exception)
        {
            throw new ProblemException(Problems.Malformed(ProblemTexts.MalformedJson(exception)));
        }
    }

    public static T Read<T>(JsonElement element)
        where T : class
    {
        if (element.ValueKind is not JsonValueKind.Object)
            throw new ProblemException(Problems.Invalid("body", ProblemTexts.NotAnObject));
        try
        {
            return element.Deserialize(RequestJson.TypeOf<T>())!;
        }
        catch (JsonException exception)
        {
            var field = exception.Path is ['$', '.', _, ..] path ? path[2..] : "body";
            throw new ProblemException(Problems.Invalid(field, ProblemTexts.WrongType));
        }
    }

    public void Audit(string action, string? target, string? actor = null, AccountState? account = null) =>
        (account ?? Account).Audit.Add(new(Now, actor ?? Actor, action, target, "127.0.0.1"));
}
