using System.Text;

namespace PyResolve.Server.Tests.Migrations;

internal static class MigrateDriver
{
    public const string Before = """
        from pydantic import BaseModel


        class User(BaseModel):
            name: str


        def show(user: User) -> dict:
            return user.dict()

        """;

    /// <summary>A small project that uses pydantic 1.</summary>
    public static Dictionary<string, string> Project { get; } = new()
    {
        ["app/models.py"] = Before,
        ["app/views.py"] = "from app.models import User\n\n\ndef load(text: str) -> User:\n    return User.parse_raw(text)\n",
        ["README.md"] = "# A project\n",
    };

    /// <summary>Settings in which a library's migrator is a line of a shell, whose <c>$1</c> is the folder.</summary>
    public static Dictionary<string, string?> Shell(params (string Library, string Script)[] migrators) => migrators.ToDictionary(
        migrator => $"PyResolve:Migrators:{migrator.Library}:tier1", string? (migrator) => Command(migrator.Script));

    public static string Command(string script) => $"sh -c '{script.Replace("'", "'\\''", StringComparison.Ordinal)}' sh {{path}}";

    public static Task<Answer> MigrateAsync(
        this Caller caller, string library = "pydantic", string tier = "tier1", object? files = null, string? idempotencyKey = null) =>
        caller.PostAsync("/migrate", Body(library, tier, files), idempotencyKey);

    public static Task<Answer> MigrateLaterAsync(this Caller caller, string library, object? files = null) =>
        caller.SendAsync(HttpMethod.Post, "/migrate", Body(library, "tier1", files), [("Prefer", "respond-async")]);

    /// <summary>The processes on this machine that sleep for so long, whoever started them.</summary>
    public static List<string> Sleepers(string seconds) =>
    [
        .. Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])).Where(path =>
        {
            try
            {
                return File.ReadAllText(Path.Combine(path, "cmdline")).StartsWith($"sleep\0{seconds}\0", StringComparison.Ordinal)
                    && !File.ReadAllText(Path.Combine(path, "stat")).Contains(") Z ", StringComparison.Ordinal);
            }
            catch (IOException)
            {
                return false;
            }
        }),
    ];

    public static HttpContent Bytes(byte[] bytes, string type, string? coding = null)
    {
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new(type);
        if (coding is not null)
            content.Headers.ContentEncoding.Add(coding);
        return content;
    }

    public static byte[] Json(object body) => Encoding.UTF8.GetBytes(System.Text.Json.JsonSerializer.Serialize(body));

    private static object Body(string library, string tier, object? files) =>
        new { library, target = "2.0", tier, files = files ?? new Dictionary<string, string> { ["a.py"] = "a = 1\n" } };
}
