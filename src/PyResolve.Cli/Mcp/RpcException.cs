using System.Text.Json;

namespace PyResolve.Cli.Mcp;

/// <summary>A request that gets a JSON-RPC error for an answer.</summary>
/// <param name="writeData">Writes the value of <c>data</c>.</param>
internal sealed class RpcException(int code, string message, Action<Utf8JsonWriter>? writeData = null) : Exception(message)
{
    public const int ParseError = -32700;
    public const int InvalidRequest = -32600;
    public const int MethodNotFound = -32601;
    public const int InvalidParams = -32602;
    public const int InternalError = -32603;
    public const int UnsupportedProtocolVersion = -32022;

    public int Code => code;

    public Action<Utf8JsonWriter>? WriteData => writeData;
}
