namespace PyResolve.Server.Devices;

internal static class DeviceServices
{
    public static IServiceCollection AddDeviceLogin(this IServiceCollection services) => services
        .AddSingleton<UserCodeDigests>()
        .AddSingleton<DeviceCodes>()
        .AddSingleton<DeviceExchange>()
        .AddSingleton<DeviceApprovals>();
}
