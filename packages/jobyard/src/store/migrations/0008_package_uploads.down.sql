drop table package_upload;
