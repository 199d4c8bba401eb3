using System.Text.Json;

namespace PyResolve.Cli.Mcp;

/// <summary>What a client says about itself: with <c>initialize</c>, or later with each request.</summary>
/// <param name="IsSessionless">Whether each request stands alone, as since 2026-07-28.</param>
/// <param name="ShowsForms">Whether it can ask the person in front of it.</param>
internal sealed record McpClient(bool IsSessionless, bool ShowsForms)
{
    /// <summary>The version without sessions.</summary>
    public const string Sessionless = "2026-07-28";

    private const string Version = "io.modelcontextprotocol/protocolVersion";
    private const string Capabilities = "io.modelcontextprotocol/clientCapabilities";

    /// <summary>Those with sessions; the newest last.</summary>
    private static readonly string[] WithSessions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

    public static McpClient Unknown { get; } = new(IsSessionless: false, ShowsForms: false);

    /// <summary>Of an <c>initialize</c>.</summary>
    public static McpClient Read(RpcMessage request) =>
        new(IsSessionless: false, ShowsForms: CanShowForms(request.Parameters?.Find("capabilities")));

    /// <summary>The version of the protocol that a session has, for the one that the client asked for.</summary>
    public static string Negotiate(string? wanted) => WithSessions.Contains(wanted) ? wanted! : WithSessions[^1];

    /// <returns><see langword="null"/> for a request of a session.</returns>
    /// <exception cref="RpcException">It names a version that is not known.</exception>
    public static McpClient? Find(RpcMessage request)
    {
        if (request.Parameters?.Find("_meta") is not { } meta || meta.FindText(Version) is not { } version)
            return null;
        return version == Sessionless
            ? new McpClient(IsSessionless: true, ShowsForms: CanShowForms(meta.Find(Capabilities)))
            : throw new RpcException(
                RpcException.UnsupportedProtocolVersion,
                $"The protocol version {version} is not supported.",
                writer => Write(writer, version));
    }

    private static void Write(Utf8JsonWriter writer, string requested)
    {
        writer.WriteStartObject();
        writer.WriteString("requested", requested);
        writer.WriteStartArray("supported");
        writer.WriteStringValue(Sessionless);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>Older clients name no kind of question: forms are what they have.</summary>
    private static bool CanShowForms(JsonElement? capabilities) =>
        capabilities?.Find("elicitation") is { } elicitation && (elicitation.Find("form") is not null || elicitation.Find("url") is null);
}
