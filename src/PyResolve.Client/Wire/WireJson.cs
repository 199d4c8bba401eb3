using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The JSON of the API: snake_case, UTF-8, unknown members ignored. <see cref="Default"/> writes absent values as null, for
/// answers; <see cref="Requests"/> omits them.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DictionaryKeyPolicy = JsonKnownNamingPolicy.Unspecified,
    Converters = [typeof(InstantConverter)])]
[JsonSerializable(typeof(ServiceInfo))]
[JsonSerializable(typeof(HealthStatus))]
[JsonSerializable(typeof(PlanList))]
[JsonSerializable(typeof(SignUpRequest))]
[JsonSerializable(typeof(SignUpResponse))]
[JsonSerializable(typeof(LogInRequest))]
[JsonSerializable(typeof(LogInResponse))]
[JsonSerializable(typeof(AccountInfo))]
[JsonSerializable(typeof(DeviceCodeRequest))]
[JsonSerializable(typeof(DeviceCodeResponse))]
[JsonSerializable(typeof(DeviceTokenRequest))]
[JsonSerializable(typeof(DeviceTokenResponse))]
[JsonSerializable(typeof(UpdateAccountRequest))]
[JsonSerializable(typeof(UpdatedAccount))]
[JsonSerializable(typeof(ChangePasswordRequest))]
[JsonSerializable(typeof(ForgotPasswordRequest))]
[JsonSerializable(typeof(ResetPasswordRequest))]
[JsonSerializable(typeof(VerifyEmailRequest))]
[JsonSerializable(typeof(DeleteAccountRequest))]
[JsonSerializable(typeof(ChangeEmailRequest))]
[JsonSerializable(typeof(TotpSetup))]
[JsonSerializable(typeof(TotpCodeRequest))]
[JsonSerializable(typeof(TotpConfirmed))]
[JsonSerializable(typeof(CreateApiKeyRequest))]
[JsonSerializable(typeof(CreatedApiKey))]
[JsonSerializable(typeof(ApiKeyList))]
[JsonSerializable(typeof(RotateApiKeyRequest))]
[JsonSerializable(typeof(RotatedApiKey))]
[JsonSerializable(typeof(ReportLeakRequest))]
[JsonSerializable(typeof(QuotaSnapshot))]
[JsonSerializable(typeof(ReservationRequest))]
[JsonSerializable(typeof(Reservation))]
[JsonSerializable(typeof(ReservationPage))]
[JsonSerializable(typeof(ExtendRequest))]
[JsonSerializable(typeof(CommitRequest))]
[JsonSerializable(typeof(ReservationCommitted))]
[JsonSerializable(typeof(ReservationReleased))]
[JsonSerializable(typeof(MigrateRequest))]
[JsonSerializable(typeof(RemoteMigration))]
[JsonSerializable(typeof(RemoteMigrationProgress))]
[JsonSerializable(typeof(LeaseKeySet))]
[JsonSerializable(typeof(UsageEventRequest))]
[JsonSerializable(typeof(UsageRecorded))]
[JsonSerializable(typeof(UsageBatchRequest))]
[JsonSerializable(typeof(UsageBatchResponse))]
[JsonSerializable(typeof(UsageStatistics))]
[JsonSerializable(typeof(UsageHistory))]
[JsonSerializable(typeof(UsageEventPage))]
[JsonSerializable(typeof(SessionList))]
[JsonSerializable(typeof(AuditPage))]
[JsonSerializable(typeof(CheckoutRequest))]
[JsonSerializable(typeof(OverageRequest))]
[JsonSerializable(typeof(CheckoutStarted))]
[JsonSerializable(typeof(PortalOpened))]
[JsonSerializable(typeof(SubscriptionInfo))]
[JsonSerializable(typeof(InvoicePage))]
[JsonSerializable(typeof(WebhookReceived))]
[JsonSerializable(typeof(Problem))]
public sealed partial class WireJson : JsonSerializerContext
{
    /// <summary>For requests: members that are null are omitted.</summary>
    public static WireJson Requests { get; } = CreateForRequests();

    /// <summary>Configures <paramref name="options"/> for the JSON of the API, in a host that uses its own serializer options.</summary>
    public static void ApplyTo(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.Converters.Add(new InstantConverter());
        options.TypeInfoResolverChain.Insert(0, Default);
    }

    private static WireJson CreateForRequests()
    {
        var options = new JsonSerializerOptions { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.Converters.Add(new InstantConverter());
        return new WireJson(options);
    }
}
