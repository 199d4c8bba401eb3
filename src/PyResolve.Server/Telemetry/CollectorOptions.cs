using OpenTelemetry.Exporter;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Telemetry;

/// <summary>
/// A collector of OpenTelemetry for one kind of signal, from the variables of that kind. Where they say nothing, the variables for all
/// kinds apply.
/// </summary>
internal sealed record CollectorOptions(Uri Endpoint, OtlpExportProtocol? Protocol, string? Headers, int? TimeoutMilliseconds)
{
    private const int MaxTimeout = 600_000;
    private const int DefaultTimeout = 10_000;

    /// <param name="configuration">Has the variables.</param>
    /// <param name="signal">As it stands in their names.</param>
    /// <returns>null: none is named for this kind.</returns>
    public static CollectorOptions? Find(IConfiguration configuration, string signal)
    {
        var prefix = $"OTEL_EXPORTER_OTLP_{signal}_";
        if (ServerOptions.Url(configuration, $"{prefix}ENDPOINT") is not { } endpoint)
            return null;
        var timeout = $"{prefix}TIMEOUT";
        return new CollectorOptions(
            endpoint,
            ServerOptions.Text(configuration, $"{prefix}PROTOCOL") switch
            {
                null => null,
                "grpc" => OtlpExportProtocol.Grpc,
                "http/protobuf" => OtlpExportProtocol.HttpProtobuf,
                var other => throw new InvalidConfigurationException(
                    $"{prefix}PROTOCOL is {ServerOptions.Quote(other)}; it is grpc or http/protobuf."),
            },
            ServerOptions.Text(configuration, $"{prefix}HEADERS"),
            ServerOptions.Text(configuration, timeout) is null
                ? null
                : ServerOptions.Number(configuration, timeout, DefaultTimeout, 1, MaxTimeout));
    }

    public void Apply(OtlpExporterOptions options)
    {
        options.Protocol = Protocol ?? options.Protocol;
        options.Endpoint = Endpoint;
        options.Headers = Headers ?? options.Headers;
        options.TimeoutMilliseconds = TimeoutMilliseconds ?? options.TimeoutMilliseconds;
    }
}
