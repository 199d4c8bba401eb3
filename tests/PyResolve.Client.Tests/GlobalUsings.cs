global using PyResolve.Client.Tests.Drivers;
global using PyResolve.Client.Wire;
global using Shouldly;
global using Xunit;
