// An ONVIF device that is not ours (the onvif-server crate) with two profiles, for server/drivers/onvif/peer.test.ts.
// Arguments: host, port, user, password, main stream, sub stream. It listens on all addresses: run it in a network
// namespace of its own.

use async_trait::async_trait;
use onvif_server::generated::{DeviceInfo, MediaProfile};
use onvif_server::{DeviceService, MediaService, OnvifError, OnvifServer};

#[derive(Clone)]
struct Camera {
    main: String,
    sub: String,
}

#[async_trait]
impl DeviceService for Camera {
    async fn get_device_information(&self) -> Result<DeviceInfo, OnvifError> {
        Ok(DeviceInfo {
            manufacturer: "Peer".into(),
            model: "Rust & Co".into(),
            firmware_version: "1".into(),
            serial_number: "1".into(),
            hardware_id: "1".into(),
        })
    }
}

fn profile(token: &str, name: &str, width: u32, height: u32, bitrate: u32) -> MediaProfile {
    MediaProfile {
        token: token.into(),
        name: name.into(),
        video_source_token: "source".into(),
        width,
        height,
        encoding: "H264".into(),
        framerate: 25,
        bitrate,
    }
}

#[async_trait]
impl MediaService for Camera {
    fn profiles(&self) -> Vec<MediaProfile> {
        vec![
            profile("main", "Main", 1920, 1080, 4096),
            profile("sub", "Sub", 640, 360, 512),
        ]
    }

    async fn get_stream_uri(&self, token: &str) -> Result<String, OnvifError> {
        Ok(if token == "main" { self.main.clone() } else { self.sub.clone() })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, user, password, main, sub] = arguments.as_slice() else {
        return Err("host port user password main sub".into());
    };
    let camera = Camera { main: main.clone(), sub: sub.clone() };
    OnvifServer::builder()
        .port(port.parse()?)
        .advertised_host(host)
        .auth(user, password)
        .device_service(camera.clone())
        .media_service(camera)
        .build()?
        .run()
        .await?;
    Ok(())
}
